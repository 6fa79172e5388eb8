/** Global flags that take a value, which is therefore not the command. */
const valued = new Set([
  ...["-c", "--config", "-o", "--output", "-n", "--namespace", "--tailnet"],
  ...["--address", "--api-key", "--timeout"],
]);

/**
 * The arguments in the spelling that the parser knows. `-oVALUE` becomes `-o=VALUE`, for the flags of all commands. And
 * `-n`, which names a namespace wherever it stands, becomes `--name` behind `users`, where headscale's own command line
 * means the user's name by it. `--version` alone is the command of that name.
 */
export function settleShortFlags(argv: readonly string[]): string[] {
  if (argv.length === 1 && argv[0] === "--version") return ["version"];
  const command = commandIndex(argv);
  const aboutUsers = command !== undefined && ["user", "users"].includes(argv[command] ?? "");
  const end = argv.indexOf("--");
  return argv.map((argument, index) => {
    if (end !== -1 && index >= end) return argument;
    const split = argument.replace(/^-([onc])(?=[^=])/, "-$1=");
    return aboutUsers && index > command ? split.replace(/^-n(?==|$)/, "--name") : split;
  });
}

/** The output format that the arguments ask for, as far as can be told when they could not be parsed. */
export function outputOf(argv: readonly string[]): string | undefined {
  const index = argv.findLastIndex((argument) => /^(-o|--output)/.test(argument));
  const argument = argv[index];
  const joined = argument?.replace(/^(-o|--output)=?/, "");
  return joined === "" ? argv[index + 1] : joined;
}

function commandIndex(argv: readonly string[]): number | undefined {
  for (let index = 0; index < argv.length; index += 1) {
    const argument = argv[index] ?? "";
    if (argument === "--") return undefined;
    if (!argument.startsWith("-")) return index;
    if (valued.has(argument)) index += 1;
  }
  return undefined;
}
