import { type AddressSet, canonicalAddress } from "./addresses.ts";

/** Header fields by which proxies say who is behind them; believed from trusted peers, taken away from others. */
export const forwardingHeaders: ReadonlySet<string> = new Set([
  "true-client-ip",
  "x-real-ip",
  "x-forwarded-for",
  "forwarded",
  "x-forwarded-proto",
  "x-forwarded-host",
  "x-forwarded-port",
  "x-forwarded-prefix",
  "x-forwarded-server",
]);

export type HeaderFields = Readonly<Record<string, string | readonly string[] | undefined>>;

/**
 * The client's address as a trusted proxy tells it: the rightmost X-Forwarded-For that is not a trusted proxy itself, else
 * the same of Forwarded (RFC 7239), else X-Real-IP, else True-Client-IP. The first of these that is there decides, readable
 * or not. headscale (hscontrol/realip.go@f20f1f12) asks in the opposite order; but every proxy writes X-Forwarded-For, and
 * most, Caddy and a bare nginx among them, pass the last two on as the client made them up.
 */
export function forwardedAddress(headers: HeaderFields, trusted: AddressSet): string | undefined {
  if (headers["x-forwarded-for"] !== undefined) return rightmostUntrusted(items(headers["x-forwarded-for"]), trusted);
  if (headers.forwarded !== undefined) return rightmostUntrusted(items(headers.forwarded).map(forParameter), trusted);
  return canonicalAddress(withoutPort(lastItem(headers["x-real-ip"] ?? headers["true-client-ip"])));
}

/** Proxies append, so the right end is the nearest. A hop that cannot be read hides all before it. */
function rightmostUntrusted(hops: readonly string[], trusted: AddressSet): string | undefined {
  let nearest: string | undefined;
  for (const hop of hops.toReversed()) {
    const address = canonicalAddress(withoutPort(hop));
    if (address === undefined) return nearest;
    nearest = address;
    if (!trusted.has(address)) return address;
  }
  return nearest;
}

/** `1.2.3.4`, `1.2.3.4:5`, `2001:db8::1`, `[2001:db8::1]` and `[2001:db8::1]:5`; a port may be hidden (RFC 7239 §6.3). */
function withoutPort(hop: string): string {
  const [, bracketed, bare] = /^(?:\[([^\]]*)\]|([^:]*))(?::(?:\d{1,5}|_[\w.-]+))?$/.exec(hop) ?? [];
  return bracketed ?? bare ?? hop;
}

/** The `for` parameter of one element of Forwarded. */
function forParameter(element: string): string {
  const value = element
    .split(";")
    .map((pair) => /^\s*for\s*=\s*(.*?)\s*$/i.exec(pair)?.[1])
    .find((found) => found !== undefined);
  return (value ?? "").replace(/^"(.*)"$/, "$1");
}

function items(value: string | readonly string[] | undefined): string[] {
  if (value === undefined) return [];
  const joined = typeof value === "string" ? value : value.join(",");
  return joined.split(",").map((item) => item.trim());
}

function lastItem(value: string | readonly string[] | undefined): string {
  return items(value).at(-1) ?? "";
}
