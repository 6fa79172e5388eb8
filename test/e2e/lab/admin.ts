import { mkdirSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { type Command, type Outcome, run, succeeded } from "./process.ts";

const root = join(import.meta.dirname, "../../..");
const programs = {
  headscale: join(root, "packages/server/bin/headscale.js"),
  headscalectl: join(root, "packages/headscalectl/bin/headscalectl.js"),
} as const;

/** What tests read of a node in an admin answer. Ids are decimal strings, as proto3 JSON writes 64-bit numbers. */
export interface NodeEntry {
  readonly id: string;
  readonly name: string;
  readonly givenName: string;
  readonly machineKey: string;
  readonly nodeKey: string;
  readonly ipAddresses: readonly string[];
  readonly user?: { readonly name: string; readonly email: string; readonly provider: string };
  readonly online?: boolean;
  readonly availableRoutes?: readonly string[];
  readonly approvedRoutes?: readonly string[];
}

/** The administrator of a server, on its host: speaks through its unix socket. */
export class Admin {
  readonly socket: string;
  readonly #namespace: string | undefined;

  constructor(socket: string, namespace?: string) {
    this.socket = socket;
    this.#namespace = namespace;
  }

  /** The same administrator, every command meant for one namespace. */
  in(namespace: string): Admin {
    return new Admin(this.socket, namespace);
  }

  /** Runs any command line as the administrator would type it, with our programs installed. */
  shell(line: string): Promise<Outcome> {
    const bin = `${this.socket}.bin`;
    mkdirSync(bin, { recursive: true });
    for (const [name, main] of Object.entries(programs)) {
      writeFileSync(join(bin, name), `#!/bin/sh\nexec '${process.execPath}' '${main}' "$@"\n`, { mode: 0o755 });
    }
    return this.#run(["sh", "-c", line], `${bin}:${process.env.PATH}`);
  }

  cli(...args: readonly string[]): Promise<Outcome> {
    const namespace = this.#namespace === undefined ? [] : ["-n", this.#namespace];
    return this.#run([process.execPath, programs.headscalectl, ...namespace, ...args]);
  }

  #run(command: Command, path = process.env.PATH): Promise<Outcome> {
    return run(command, { env: { ...process.env, PATH: path, HEADSCALE_CLI_ADDRESS: `unix://${this.socket}` } });
  }

  /** What a command prints as JSON; it has to succeed. */
  async headscalectl<T = unknown>(...args: readonly string[]): Promise<T> {
    const { stdout } = succeeded(await this.cli("-o", "json", ...args));
    return JSON.parse(stdout);
  }

  /** Creates a user and tells its id. */
  async user(name: string): Promise<string> {
    const { id } = await this.headscalectl<{ id: string | number }>("users", "create", name);
    return String(id);
  }

  /** Creates a pre-auth key for a user's id. */
  async key(user: string, ...flags: readonly string[]): Promise<string> {
    const { key } = await this.headscalectl<{ key: string }>("preauthkeys", "create", "-u", user, ...flags);
    return key;
  }

  /** Puts a policy into force. The server has to keep its policy in the database. */
  async policy(policy: object): Promise<void> {
    const file = `${this.socket}.policy.json`;
    writeFileSync(file, JSON.stringify(policy));
    succeeded(await this.cli("policy", "set", "-f", file));
  }

  async nodes(): Promise<readonly NodeEntry[]> {
    const { nodes = [] } = await this.call<{ nodes?: NodeEntry[] }>("ListNodes");
    return nodes;
  }

  /** The node of that MagicDNS label. */
  async node(givenName: string): Promise<NodeEntry> {
    const nodes = await this.nodes();
    const found = nodes.find((node) => node.givenName === givenName);
    if (!found) throw new Error(`no node ${givenName} among ${nodes.map((node) => node.givenName).join(", ")}`);
    return found;
  }

  /** One admin call in Connect's JSON form: cheap enough to be asked again and again. */
  call<T = unknown>(method: string, body: object = {}): Promise<T> {
    const message = JSON.stringify(this.#namespace === undefined ? body : { ...body, tailnet: this.#namespace });
    return new Promise((resolve, reject) => {
      const asked = request(
        {
          socketPath: this.socket,
          path: `/headscale.v1.HeadscaleService/${method}`,
          method: "POST",
          headers: { "content-type": "application/json", host: "localhost" },
        },
        (answer) => {
          let text = "";
          answer.setEncoding("utf8").on("data", (chunk: string) => {
            text += chunk;
          });
          answer.once("error", reject).once("end", () => {
            if (answer.statusCode === 200) resolve(JSON.parse(text));
            else reject(new Error(`${method}: ${answer.statusCode} ${text}`));
          });
        },
      );
      asked.setTimeout(10_000, () => asked.destroy(new Error(`${method}: no answer`)));
      asked.once("error", reject).end(message);
    });
  }
}
