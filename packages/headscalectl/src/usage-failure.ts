import { CliError } from "./failure.ts";
import { tidyHelp } from "./help-text.ts";
import { closest } from "./spelling.ts";

/** What is said to a command that only has others below it; the help then shows which. */
export const noCommand = "say a command";

/**
 * What yargs finds wrong with a command line, in a sentence that says where to look.
 * @param help of the command that was understood so far; its first line is how to write it.
 * @param argv as it was written: yargs names an unknown flag without its dashes.
 */
export function usageFailure(message: string, help: string, argv: readonly string[]): CliError {
  const usage = help.split("\n", 1)[0]?.trim() ?? "";
  const command = /^headscalectl(?: [a-z-]+)*/.exec(usage)?.[0] ?? "headscalectl";
  if (message === noCommand) return new CliError("usage", message, { hint: `\n${tidyHelp(help)}` });
  const sentence = unknown(message, command, help, argv) ?? choice(message, help) ?? missing(message, usage) ?? message;
  return new CliError("usage", sentence, { hint: `See ${command} --help.` });
}

function unknown(message: string, command: string, help: string, argv: readonly string[]): string | undefined {
  const [first = ""] = /^Unknown arguments?: (.*)$/.exec(message)?.[1]?.split(", ") ?? [];
  if (first === "") return undefined;
  const dashes = [`--${first}`, `-${first}`].find((flag) => argv.some((word) => word.split("=", 1)[0] === flag));
  if (dashes !== undefined) return `unknown flag ${dashes}${meant(dashes, help.match(/--[a-z][a-z-]*/g) ?? [])}`;
  const commands = help.split("\n").filter((line) => line.startsWith(`  ${command} `));
  if (commands.length === 0) return `${JSON.stringify(first)} is one argument too many`;
  const names = commands.map((line) => line.slice(command.length + 3).split(" ", 1)[0] ?? "");
  const aliases = [...help.matchAll(/\[aliases: ([^\]]*)\]/g)].flatMap(([, list = ""]) => list.split(/,\s*/));
  return `unknown command ${JSON.stringify(first)}${meant(first, [...names, ...aliases])}`;
}

function meant(written: string, candidates: readonly string[]): string {
  const found = closest(written, candidates);
  return found === undefined ? "" : `; did you mean ${found}?`;
}

function choice(message: string, help: string): string | undefined {
  const [, flag, given, choices] = /Argument: ([^,]+), Given: (.+), Choices: (.+)$/m.exec(message) ?? [];
  return (
    flag && `${help.includes(`--${flag}`) ? "--" : ""}${flag}: ${given} is not one of ${choices?.replaceAll('"', "")}`
  );
}

function missing(message: string, usage: string): string | undefined {
  const flags = /^Missing required arguments?: (.*)$/.exec(message)?.[1];
  if (flags !== undefined) return `missing: ${flags.replace(/[a-z][a-z-]*/g, "--$&")}`;
  return message.startsWith("Not enough non-option arguments") ? `too few arguments; write ${usage}` : undefined;
}
