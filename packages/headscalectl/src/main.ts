import yargs, { type Argv } from "yargs";
import { outputOf, settleShortFlags } from "./argv.ts";
import type { Action } from "./command.ts";
import { nouns } from "./commands/nouns.ts";
import { CliError, exitCodes, exitCodesHelp } from "./failure.ts";
import { type GlobalFlags, globalOptions } from "./flags.ts";
import { everywhere, tidyHelp } from "./help-text.ts";
import { Session } from "./session.ts";
import type { Surroundings } from "./surroundings.ts";
import { noCommand, usageFailure } from "./usage-failure.ts";

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
    const commands = yargs()
      .scriptName("headscalectl")
      .usage("Administers a headscale server from here or from anywhere.")
      .options(globalOptions)
      .group([...Object.keys(globalOptions), "help"], everywhere)
      .parserConfiguration({ "greedy-arrays": false })
      .strict()
      .demandCommand(1, noCommand)
      .help()
      .alias("help", "h")
      .version(false)
      .epilogue(exitCodesHelp)
      .wrap(Math.min(around.stdout.columns ?? 100, 120))
      .exitProcess(false)
      .fail((message, error, command) => {
        throw error ?? usageFailure(message, helpOf(command), argv);
      });
    for (const { names, describe, load } of nouns) {
      commands.command(names, describe, async (noun) => (await load())(noun as never, run));
    }
    await commands.parseAsync(settleShortFlags(argv), {}, (_error, _flags, help) => {
      if (help !== "") around.stdout.write(`${tidyHelp(help)}\n`);
    });
    return answer === "no" ? exitCodes.no : exitCodes.ok;
  } catch (error) {
    await report(error, outputOf(argv), around.stderr);
    return exitCodes[error instanceof CliError ? error.kind : "other"];
  }
}

/** yargs prints its help on the console unless somebody else takes it. */
function helpOf(command: Argv): string {
  let help = "";
  command.showHelp((text) => {
    help = text;
  });
  return help;
}

/** Standard error gets the failure, in the words or in the format asked for; standard output stays clean. */
async function report(error: unknown, format: string | undefined, stderr: NodeJS.WritableStream): Promise<void> {
  const message = error instanceof Error ? error.message : String(error);
  if (format !== "json" && format !== "json-line" && format !== "yaml") {
    const hint = error instanceof CliError && error.hint !== undefined ? `\n${error.hint}` : "";
    stderr.write(`Error: ${message}${hint}\n`);
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
