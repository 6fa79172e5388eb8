import yargs from "yargs";
import { outputOf, settleShortFlags } from "./argv.ts";
import type { Action } from "./command.ts";
import { nouns } from "./commands/nouns.ts";
import { CliError, exitCodes, exitCodesHelp } from "./failure.ts";
import { type GlobalFlags, globalOptions } from "./flags.ts";
import { Session } from "./session.ts";
import type { Surroundings } from "./surroundings.ts";

/** Runs one command line. @returns the exit code. */
export async function main(argv: readonly string[], around: Surroundings = process): Promise<number> {
  stopQuietlyOnClosedPipe(around);
  let answer: unknown;
  const run =
    <F extends GlobalFlags>(action: Action<F>) =>
    async (flags: F) => {
      answer = await action(new Session(flags, around), flags);
    };
  try {
    const commands = yargs(settleShortFlags(argv))
      .scriptName("headscalectl")
      .usage("Administers a headscale server from here or from anywhere.")
      .options(globalOptions)
      .group(Object.keys(globalOptions), "With every command:")
      .parserConfiguration({ "greedy-arrays": false })
      .updateStrings(wordings)
      .strict()
      .demandCommand(1, "Say a command; headscalectl --help lists them.")
      .help()
      .alias("help", "h")
      .version(false)
      .epilogue(exitCodesHelp)
      .wrap(Math.min(around.stdout.columns ?? 100, 120))
      .exitProcess(false)
      .fail((message, error) => {
        throw error ?? new CliError("usage", message);
      });
    for (const { names, describe, load } of nouns) {
      commands.command(names, describe, async (noun) => (await load())(noun as never, run));
    }
    await commands.parseAsync();
    return answer === "no" ? exitCodes.no : exitCodes.ok;
  } catch (error) {
    await report(error, outputOf(argv), around.stderr);
    return exitCodes[error instanceof CliError ? error.kind : "other"];
  }
}

/** yargs' typings know only the singular texts, its translations both. */
const wordings = {
  "Unknown argument: %s": { one: "Unknown command or argument: %s", other: "Unknown commands or arguments: %s" },
} as unknown as Record<string, string>;

/** Standard error gets the failure, in the words or in the format asked for; standard output stays clean. */
async function report(error: unknown, format: string | undefined, stderr: NodeJS.WritableStream): Promise<void> {
  const message = error instanceof Error ? error.message : String(error);
  if (format !== "json" && format !== "json-line" && format !== "yaml") {
    stderr.write(`Error: ${message}\n`);
    return;
  }
  const { machineText } = await import("./output/output.ts");
  const code = error instanceof CliError ? error.kind : "other";
  stderr.write(`${(await machineText(format, { error: message, code })).trimEnd()}\n`);
}

/** `headscalectl … | head` ends when head has seen enough. */
function stopQuietlyOnClosedPipe({ stdout }: Surroundings): void {
  stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    process.exit(exitCodes.ok);
  });
}
