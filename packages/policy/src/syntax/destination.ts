import { tryParseAddr } from "@headscale/netip";
import { quote } from "./quote.ts";

/**
 * Splits `HOST:PORTS` at the last colon; IPv6 may stand in brackets, also before a prefix length.
 * Only the shape is judged here.
 */
export function splitHostPort(text: string): { host: string; ports: string } | { error: string } {
  const plain = text.startsWith("[") ? withoutBrackets(text) : text;
  if (plain === undefined) return { error: `square brackets are only valid around IPv6 addresses: ${quote(text)}` };
  const colon = plain.lastIndexOf(":");
  if (colon < 0) return { error: 'hostport must contain a colon (":")' };
  return { host: plain.slice(0, colon).trim(), ports: plain.slice(colon + 1).trim() };
}

function withoutBrackets(text: string): string | undefined {
  const close = text.indexOf("]");
  const addr = text.slice(1, close);
  const rest = text.slice(close + 1);
  const isIPv6 = close > 0 && addr.includes(":") && tryParseAddr(addr) !== undefined;
  return isIPv6 && /^[:/]/.test(rest) ? addr + rest : undefined;
}
