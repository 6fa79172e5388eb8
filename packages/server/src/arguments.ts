import { parseArgs } from "node:util";

export const usage = `Usage: headscale [COMMAND] [--config FILE]

Commands:
  serve                 run the server (the default)
  import [--from DATABASE] [--noise-key FILE] [--dry-run]
                        take over a database of headscale (the Go program), 0.22 or newer: a SQLite file or a
                        postgres:// URL; without --from the configured file, which is kept beside the new one
  configtest            read the configuration and the files it names, say all that is wrong, and exit
  generate config       print the reference of the configuration: every key with its default
  generate private-key  print a fresh private key
  version               print the version

Everything else is done with headscalectl.
`;

const options = {
  config: { type: "string", short: "c" },
  help: { type: "boolean", short: "h" },
  version: { type: "boolean" },
  from: { type: "string" },
  "noise-key": { type: "string" },
  "dry-run": { type: "boolean" },
} as const;

/** Commands that headscale (the Go program) has in its one binary. */
export const administrative: ReadonlySet<string> = new Set([
  ...["users", "user", "nodes", "node", "preauthkeys", "preauthkey", "authkey", "pre", "apikeys", "apikey", "api"],
  ...[
    "auth",
    "policy",
    "health",
    "debug",
    "completion",
    "namespaces",
    "namespace",
    "ns",
    "machines",
    "machine",
    "routes",
  ],
]);

export interface Values {
  readonly config?: string;
  readonly help?: boolean;
  readonly version?: boolean;
  readonly from?: string;
  readonly "noise-key"?: string;
  readonly "dry-run"?: boolean;
}

export interface Arguments {
  readonly values: Values;
  readonly positionals: readonly string[];
  readonly wrong: string | undefined;
}

/** Options and words, and what is wrong with them. */
export function readArguments(args: readonly string[]): Arguments {
  const request = { args: [...args], options, allowPositionals: true } as const;
  try {
    return { ...parseArgs(request), wrong: undefined };
  } catch (error) {
    const { positionals, values } = parseArgs({ ...request, strict: false });
    const wrong = (error as Error).message.split(". ", 1)[0]?.replace(/^[UO](?=nknown|ption)/, (u) => u.toLowerCase());
    return { positionals, values: { help: values.help === true }, wrong };
  }
}
