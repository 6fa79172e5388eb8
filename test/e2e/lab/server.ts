import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "yaml";
import type { PostgresDatabase } from "../../support/postgres.ts";
import { Admin } from "./admin.ts";
import { type Daemon, type Host, tail } from "./host.ts";
import { until } from "./until.ts";

export interface ServerOptions {
  /** SQLite in the host's folder when absent. */
  readonly database?: PostgresDatabase;
  /** Merged over the lab's configuration, key by top-level key. */
  readonly config?: Readonly<Record<string, unknown>>;
}

const root = join(import.meta.dirname, "../../..");
const port = 8080;
const startsWithinMs = 20_000;

/** Our daemon on a host of the lab, and its administrator. */
export class Server {
  readonly host: Host;
  /** A private address, not a name: after one broken connection a client with a name insists on HTTPS. */
  readonly url: string;
  readonly admin: Admin;
  readonly #config: string;
  #daemon: Daemon | undefined;

  constructor(host: Host, address: string, derpMap: string, { database, config }: ServerOptions) {
    this.host = host;
    this.url = `http://${address}:${port}`;
    this.admin = new Admin(join(host.directory, "hs.sock"));
    this.#config = join(host.directory, "config.yaml");
    const defaults = {
      server_url: this.url,
      listen_addr: `0.0.0.0:${port}`,
      metrics_listen_addr: "",
      unix_socket: this.admin.socket,
      noise: { private_key_path: join(host.directory, "noise.key") },
      prefixes: { v4: "100.64.0.0/10", v6: "fd7a:115c:a1e0::/48" },
      derp: { server: { enabled: false }, urls: [], paths: [derpMap] },
      dns: { magic_dns: true, base_domain: "example.test", override_local_dns: false },
      database: database ? postgresConfig(database) : sqliteConfig(host),
      disable_check_updates: true,
      log: { level: "debug" },
    };
    writeFileSync(this.#config, stringify({ ...defaults, ...config }));
  }

  async start(): Promise<this> {
    const main = join(root, "packages/server/src/main.ts");
    const command = [process.execPath, main, "serve", "--config", this.#config] as const;
    const daemon = await this.host.daemon(command, "log", { ...process.env, HOME: this.host.directory });
    this.#daemon = daemon;
    await until({
      what: "the server to answer its clients and its administrator",
      withinMs: startsWithinMs,
      probe: async () => {
        if (!daemon.alive()) return "ended";
        await this.admin.call("Health");
        return (await this.host.run(["curl", "-sf", `${this.url}/health`])).code === 0 && "up";
      },
      evidence: () => this.evidence(),
    }).then((outcome) => {
      if (outcome === "ended") throw new Error(`the server ended at once\n${this.evidence()}`);
    });
    return this;
  }

  async kill9(): Promise<void> {
    await this.#end("SIGKILL");
  }

  async stop(): Promise<void> {
    await this.#end("SIGTERM");
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    this.#daemon?.signal(signal);
    await this.#daemon?.exited();
  }

  /** Freezes the server with its connections open. */
  pause(): void {
    this.#daemon?.signal("SIGSTOP");
  }

  continue(): void {
    this.#daemon?.signal("SIGCONT");
  }

  /** What the public web page at a URL of this server says. */
  async page(url: string): Promise<string> {
    const { stdout, code } = await this.host.run(["curl", "-sSf", "--max-time", "10", url]);
    if (code !== 0) throw new Error(`${url} cannot be read\n${this.evidence()}`);
    return stdout;
  }

  evidence(): string {
    return `--- server: log\n${this.#daemon ? tail(this.#daemon.log) : "(never started)"}`;
  }
}

function sqliteConfig(host: Host): object {
  return { type: "sqlite", sqlite: { path: join(host.directory, "db.sqlite") } };
}

/** By socket: the lab has no way to the machine's loopback. */
function postgresConfig({ socketDirectory, port, user, database }: PostgresDatabase): object {
  return { type: "postgres", postgres: { host: socketDirectory, port, name: database, user, pass: "", ssl: false } };
}
