import { request } from "node:http";
import { join } from "node:path";
import { type Command, type Outcome, run, succeeded } from "./process.ts";

const root = join(import.meta.dirname, "../../..");
/** npm's folder of programs first: there lie `headscalectl` and the Node that runs it. */
const path = `${join(root, "node_modules/.bin")}:${process.env.PATH}`;

/** The administrator of a server, on its host: speaks through its unix socket. */
export class Admin {
  readonly socket: string;

  constructor(socket: string) {
    this.socket = socket;
  }

  /** Runs any command line as the administrator would type it. */
  shell(line: string): Promise<Outcome> {
    return this.#run(["sh", "-c", line]);
  }

  cli(...args: readonly string[]): Promise<Outcome> {
    return this.#run([process.execPath, join(root, "packages/headscalectl/src/main.ts"), ...args]);
  }

  #run(command: Command): Promise<Outcome> {
    return run(command, { env: { ...process.env, PATH: path, HEADSCALE_CLI_ADDRESS: `unix://${this.socket}` } });
  }

  /** What a command prints as JSON; it has to succeed. */
  async headscalectl<T = unknown>(...args: readonly string[]): Promise<T> {
    const { stdout } = succeeded(await this.cli("-o", "json", ...args));
    return JSON.parse(stdout);
  }

  /** One admin call in Connect's JSON form: cheap enough to be asked again and again. */
  call<T = unknown>(method: string, body: object = {}): Promise<T> {
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
      asked.once("error", reject).end(JSON.stringify(body));
    });
  }
}
