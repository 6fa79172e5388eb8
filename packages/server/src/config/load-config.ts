import { closeSync, fstatSync, openSync, readFileSync } from "node:fs";
import { homedir, networkInterfaces } from "node:os";
import { join, resolve } from "node:path";
import { ConfigError } from "./config-error.ts";
import { maxDocumentChars, parseText } from "./document.ts";
import type { LocalAddress } from "./local-address.ts";
import { type ParsedConfig, parseConfig } from "./parse-config.ts";
import { systemFolder } from "./place.ts";
import type { Machine } from "./surroundings.ts";

const fileNames = ["config.yaml", "config.yml", "config.json"];

export interface LoadOptions {
  /** `--config`: this file and no other. */
  readonly file?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly workingFolder?: string;
}

/**
 * Finds, reads and checks the configuration: the file named by the option, else by `HEADSCALE_CONFIG`, else the first
 * `config.yaml`, `config.yml` or `config.json` in `/etc/headscale`, `~/.headscale` and the working folder; without any,
 * the defaults.
 * @throws {ConfigError}
 */
export function loadConfig(options: LoadOptions = {}): ParsedConfig {
  const env = options.env ?? process.env;
  const workingFolder = options.workingFolder ?? process.cwd();
  const machine: Machine = { env, workingFolder, localAddresses: localAddresses(), readText: readSmallFile };
  const named = options.file ?? env.HEADSCALE_CONFIG;
  const file = named ? resolve(workingFolder, named) : findFile(workingFolder, env.HOME ?? homedir());
  if (file === undefined) return parseConfig({}, undefined, machine);
  return parseConfig(parseText(readConfigFile(file), file), file, machine);
}

function findFile(workingFolder: string, home: string): string | undefined {
  const folders = [systemFolder, join(home, ".headscale"), workingFolder];
  return folders.flatMap((folder) => fileNames.map((name) => join(folder, name))).find(isThere);
}

/** A file that is there but closed to us counts: starting with the defaults instead would surprise. */
function isThere(path: string): boolean {
  try {
    closeSync(openSync(path, "r"));
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EACCES";
  }
}

function readConfigFile(path: string): string {
  try {
    return readBounded(path);
  } catch (cause) {
    const why = (cause as NodeJS.ErrnoException).code === "ENOENT" ? "does not exist" : "cannot be read";
    throw new ConfigError("unreadable", [{ key: path, says: why }], cause);
  }
}

function readSmallFile(path: string): string | undefined {
  try {
    return readBounded(path);
  } catch {
    return undefined;
  }
}

function readBounded(path: string): string {
  const file = openSync(path, "r");
  try {
    if (!fstatSync(file).isFile() && !fstatSync(file).isFIFO()) throw new Error("not a file");
    if (fstatSync(file).size > maxDocumentChars) throw new Error("too large");
    return readFileSync(file, "utf8");
  } finally {
    closeSync(file);
  }
}

function localAddresses(): readonly LocalAddress[] {
  return Object.entries(networkInterfaces()).flatMap(([name, addresses = []]) =>
    addresses.map(({ address, internal }) => ({ interface: name, address, isLoopback: internal })),
  );
}
