import { once } from "node:events";
import type { Api } from "./connection/client.ts";
import { readSettings } from "./connection/settings.ts";
import { CliError } from "./failure.ts";
import type { GlobalFlags } from "./flags.ts";
import { Output } from "./output/output.ts";
import type { Surroundings } from "./surroundings.ts";

/** @throws {CliError} usage */
function likesGo(version: string | undefined): boolean {
  if (version === undefined || version === "") return false;
  if (version === "0.29") return true;
  throw new CliError("usage", "HEADSCALE_CLI_JSON: 0.29 is the only shape besides today's");
}

/** What one command works with. */
export class Session {
  readonly output: Output;
  readonly now = Date.now();
  readonly stdin: Surroundings["stdin"];
  readonly #flags: GlobalFlags;
  readonly #around: Surroundings;
  #api: Promise<Api> | undefined;

  constructor(flags: GlobalFlags, around: Surroundings) {
    this.#flags = flags;
    this.#around = around;
    this.stdin = around.stdin;
    this.output = new Output(flags.output, around.stdout, around.stderr, likesGo(around.env.HEADSCALE_CLI_JSON));
  }

  /** The tailnet that the command names, in the API's words. */
  get tailnet(): string {
    return this.#flags.namespace ?? "";
  }

  /** The tailnet of a command that lists, which can mean all of them. */
  listed(flags: { readonly allNamespaces: boolean }): string {
    return flags.allNamespaces ? "*" : this.tailnet;
  }

  /** The server's services. Opened by the first who asks, so that wrong usage fails without a server. */
  readonly api = (): Promise<Api> => {
    this.#api ??= this.#open();
    return this.#api;
  };

  async #open(): Promise<Api> {
    const settings = await readSettings(this.#flags, this.#around.env);
    // Loaded only by commands that call: half of a command's start is this.
    const { openApi } = await import("./connection/client.ts");
    return openApi(settings);
  }

  /** Lets the user edit a file with the program that VISUAL or EDITOR names. @throws {CliError} when that fails. */
  async edit(path: string): Promise<void> {
    const { env } = this.#around;
    const editor = env.VISUAL || env.EDITOR || "vi";
    const { spawn } = await import("node:child_process");
    // The names may come with arguments, as in `code --wait`.
    const child = spawn("/bin/sh", ["-c", `${editor} "$1"`, "sh", path], { stdio: "inherit", env: { ...env } });
    const [code] = (await once(child, "close")) as [number | null];
    if (code !== 0) throw new CliError("other", `the editor (${editor}) failed; VISUAL or EDITOR names another`);
  }

  /**
   * Asks on the terminal, unless told not to.
   * @throws {CliError} usage when there is nobody to ask.
   */
  async confirm(question: string): Promise<boolean> {
    if (this.#flags.force) return true;
    if (!this.stdin.isTTY) {
      throw new CliError("usage", `this asks "${question}", and there is no terminal to answer on: add --force`);
    }
    const { createInterface } = await import("node:readline/promises");
    using reader = createInterface({ input: this.stdin, output: this.#around.stderr });
    // Ctrl-C and the end of input leave the question open; neither is a yes.
    const closed = once(reader, "close").then(() => "\n");
    const answer = await Promise.race([reader.question(`${question} [y/n] `).catch(() => "\n"), closed]);
    if (answer === "\n") this.#around.stderr.write("\n");
    return /^(y|yes|sure)$/i.test(answer.trim());
  }
}
