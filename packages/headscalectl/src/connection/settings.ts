import { parseDuration } from "#duration.ts";
import { CliError } from "#failure.ts";
import { type Address, parseAddress } from "./address.ts";
import { type ConfigFile, readConfigFile } from "./config-file.ts";

/** Where to call and how. */
export interface Settings {
  /** `undefined`: this host's daemon, by its unix socket. */
  readonly address: Address | undefined;
  /** Of the daemon's configuration. */
  readonly unixSocket: string | undefined;
  readonly apiKey: string | undefined;
  /** For a command's call; 0: as long as it takes. */
  readonly timeoutMs: number;
  /** Take any certificate. */
  readonly insecure: boolean;
  /** Speak gRPC over HTTP/2 instead of Connect over HTTP/1.1. */
  readonly grpc: boolean;
}

export interface ConnectionFlags {
  readonly config?: string | undefined;
  readonly address?: string | undefined;
  readonly apiKey?: string | undefined;
  readonly timeout?: string | undefined;
  readonly insecure?: boolean | undefined;
  readonly grpc?: boolean | undefined;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** Flags before environment before configuration file. @throws {CliError} usage */
export async function readSettings(flags: ConnectionFlags, env: Environment): Promise<Settings> {
  const file = await readConfigFile(flags.config ?? said(env.HEADSCALE_CONFIG), env.HOME);
  return settingsFrom(flags, env, file);
}

/** @throws {CliError} usage */
export function settingsFrom(flags: ConnectionFlags, env: Environment, file: ConfigFile): Settings {
  const cli = typeof file.cli === "object" && file.cli !== null ? (file.cli as ConfigFile) : {};
  const text = (flag: string | undefined, variable: string, value: unknown, key: string) =>
    said(flag) ?? said(env[variable]) ?? said(scalar(value, key));
  const yes = (flag: boolean | undefined, variable: string, value: unknown, key: string) =>
    flag ?? truth(text(undefined, variable, value, key), key);
  const address = text(flags.address, "HEADSCALE_CLI_ADDRESS", cli.address, "cli.address");
  const apiKey = text(flags.apiKey, "HEADSCALE_CLI_API_KEY", cli.api_key, "cli.api_key");
  const timeout = text(flags.timeout, "HEADSCALE_CLI_TIMEOUT", cli.timeout, "cli.timeout") ?? "5s";
  const settings = {
    address: address === undefined ? undefined : parseAddress(address),
    unixSocket: text(undefined, "HEADSCALE_UNIX_SOCKET", file.unix_socket, "unix_socket"),
    apiKey,
    timeoutMs: parseDuration(timeout, flags.timeout === undefined ? "cli.timeout" : "--timeout"),
    insecure: yes(flags.insecure, "HEADSCALE_CLI_INSECURE", cli.insecure, "cli.insecure"),
    grpc: yes(flags.grpc, "HEADSCALE_CLI_GRPC", cli.grpc, "cli.grpc"),
  };
  if (settings.address?.kind === "http" && apiKey === undefined) {
    throw new CliError(
      "denied",
      "an address needs an API key: give --api-key, HEADSCALE_CLI_API_KEY or cli.api_key in the configuration",
    );
  }
  // Node's HTTP client would refuse it with the key in its message.
  if (apiKey !== undefined && !/^[\x21-\x7e]+$/.test(apiKey)) {
    throw new CliError("denied", "the API key contains characters that no key has");
  }
  return settings;
}

/** Empty means not given, as headscale has it. */
function said(text: string | undefined): string | undefined {
  return text === undefined || text.trim() === "" ? undefined : text.trim();
}

function scalar(value: unknown, key: string): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === "object") throw new CliError("usage", `configuration: ${key} is not one value`);
  return String(value);
}

function truth(text: string | undefined, key: string): boolean {
  if (text === undefined || /^(0|f|false|no)$/i.test(text)) return false;
  if (/^(1|t|true|yes)$/i.test(text)) return true;
  throw new CliError("usage", `${key}: neither true nor false`);
}
