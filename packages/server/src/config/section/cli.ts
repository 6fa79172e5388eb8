import { type Key, key, optional, type Reading } from "../key.ts";
import { duration } from "../kind/duration.ts";
import { flag, secret, text } from "../kind/kind.ts";
import type { Secret } from "../secret.ts";

export const cliKeys = {
  "cli.address": optional(
    text,
    { example: "https://headscale.example.com" },
    "Server that headscalectl talks to; empty: the unix socket of this machine.",
  ),
  "cli.api_key": optional(
    secret,
    { example: "hskey-api-…" },
    "API key for cli.address. Better given as HEADSCALE_CLI_API_KEY.",
  ),
  "cli.timeout": key(duration, "5s", "For one command."),
  "cli.insecure": key(flag, "false", "Do not check the server's certificate."),
} satisfies Record<string, Key<unknown>>;

export interface CliConfig {
  readonly address: string | undefined;
  readonly apiKey: Secret | undefined;
  readonly timeoutMs: number;
  readonly insecure: boolean;
}

export function cliSection({ value }: Reading<typeof cliKeys>): CliConfig {
  return {
    address: value["cli.address"],
    apiKey: value["cli.api_key"],
    timeoutMs: value["cli.timeout"],
    insecure: value["cli.insecure"],
  };
}
