import { CliError } from "#failure.ts";

/**
 * A destination and its port, written apart or as `HOST:PORT`. Colons of tags (`tag:web:443`) and IPv6 addresses
 * (`[fd7a::1]:443`) stay; port 0 is any.
 * @throws {CliError} usage
 */
export function parseTarget(text: string, flag: string | undefined): { dst: string; port: number } {
  const bracketed = /^\[([^\]]*)\](?::(.*))?$/.exec(text);
  if (bracketed) return { dst: bracketed[1] ?? "", port: parsePort(flag ?? bracketed[2]) };
  const colons = text.split(":").length - 1;
  const prefixed = /^(tag|group|autogroup|svc|host):/.test(text) ? 2 : 1;
  if (flag !== undefined || colons !== prefixed) return { dst: text, port: parsePort(flag) };
  const at = text.lastIndexOf(":");
  return { dst: text.slice(0, at), port: parsePort(text.slice(at + 1)) };
}

function parsePort(text: string | undefined): number {
  if (text === undefined || text === "*") return 0;
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535 && Number(text) > 0) return Number(text);
  throw new CliError("usage", "port: not a number from 1 to 65535");
}
