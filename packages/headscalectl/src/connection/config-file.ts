import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { CliError } from "#failure.ts";

/** The daemon's own configuration file, as much of it as a client wants: `cli.*` and `unix_socket`. */
export type ConfigFile = Readonly<Record<string, unknown>>;

const maxBytes = 1 << 20;

/**
 * @param named by flag or environment: it must be there and be readable. Otherwise the first `config.yaml`, `.yml` or
 * `.json` in `/etc/headscale`, `~/.headscale` or the working directory counts, and one that this user may not read is
 * passed over: it is the daemon's.
 * @throws {CliError} usage, naming the file.
 */
export async function readConfigFile(named: string | undefined, home: string | undefined): Promise<ConfigFile> {
  if (named !== undefined) return parse(named, await read(named));
  const folders = ["/etc/headscale", ...(home === undefined ? [] : [join(home, ".headscale")]), "."];
  const names = ["config.yaml", "config.yml", "config.json"];
  for (const path of folders.flatMap((folder) => names.map((name) => join(folder, name)))) {
    try {
      return await parse(path, await readFile(path, "utf8"));
    } catch (error) {
      if (error instanceof CliError) throw error;
    }
  }
  return {};
}

async function read(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    throw new CliError("usage", `configuration ${path}: cannot be read (${(cause as NodeJS.ErrnoException).code})`, {
      cause,
    });
  }
}

async function parse(path: string, text: string): Promise<ConfigFile> {
  if (text.length > maxBytes) throw new CliError("usage", `configuration ${path}: larger than ${maxBytes} bytes`);
  const value = await parseText(path, text).catch((cause: Error) => {
    throw new CliError("usage", `configuration ${path}: ${cause.message.split("\n")[0]?.replace(/:$/, "")}`, { cause });
  });
  if (value === null || value === undefined) return {};
  if (typeof value !== "object" || Array.isArray(value)) {
    throw new CliError("usage", `configuration ${path}: not a mapping`);
  }
  return value as ConfigFile;
}

async function parseText(path: string, text: string): Promise<unknown> {
  if (path.endsWith(".json")) return JSON.parse(text);
  // Loaded only when there is something to parse: it costs more than the rest of a command's start.
  return (await import("yaml")).parse(text);
}
