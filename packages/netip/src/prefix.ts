import { type Addr, addrFamily, addrFromValue, addrValue, type Family, familyBits, tryParseAddr } from "./addr.ts";
import type { AddrRange } from "./addr-range.ts";
import { NetipError } from "./netip-error.ts";

declare const brand: unique symbol;

/** A CIDR prefix in canonical text, without host bits: `10.20.0.0/16`, `fd7a::/48`. */
export type Prefix = string & { readonly [brand]: "Prefix" };

const bitsText = /^(0|[1-9]\d{0,2})$/;

/**
 * Reads `ADDRESS/BITS`. `hostBits` says what to do when bits are set behind the prefix length: `refuse` (default) or `mask`.
 * @throws {NetipError} `bad-prefix`, or `host-bits`.
 */
export function parsePrefix(text: string, options: { readonly hostBits?: "mask" | "refuse" } = {}): Prefix {
  const slash = text.indexOf("/");
  const addr = slash < 0 ? undefined : tryParseAddr(text.slice(0, slash));
  const digits = text.slice(slash + 1);
  if (addr === undefined || !bitsText.test(digits)) throw new NetipError("bad-prefix", "not an IP prefix");
  const family = addrFamily(addr);
  const bits = Number(digits);
  if (bits > familyBits[family]) throw new NetipError("bad-prefix", "prefix length exceeds the address");
  const value = addrValue(addr);
  const hostMask = (1n << BigInt(familyBits[family] - bits)) - 1n;
  if ((value & hostMask) === 0n) return `${addr}/${bits}` as Prefix;
  if (options.hostBits !== "mask") throw new NetipError("host-bits", "prefix has bits set behind its length");
  return prefixFrom(family, value, bits);
}

/** As `parsePrefix`, but `undefined` where that throws. */
export function tryParsePrefix(
  text: string,
  options: { readonly hostBits?: "mask" | "refuse" } = {},
): Prefix | undefined {
  try {
    return parsePrefix(text, options);
  } catch {
    return undefined;
  }
}

/** The prefix of length `bits` that holds `value`; host bits are cleared. */
export function prefixFrom(family: Family, value: bigint, bits: number): Prefix {
  const shift = BigInt(familyBits[family] - bits);
  return `${addrFromValue(family, (value >> shift) << shift)}/${bits}` as Prefix;
}

/** The `/32` or `/128` of one address. */
export function singlePrefix(addr: Addr): Prefix {
  return `${addr}/${familyBits[addrFamily(addr)]}` as Prefix;
}

/** First address of the prefix. */
export function prefixAddr(prefix: Prefix): Addr {
  return prefix.slice(0, prefix.indexOf("/")) as Addr;
}

export function prefixBits(prefix: Prefix): number {
  return Number(prefix.slice(prefix.indexOf("/") + 1));
}

export function prefixFamily(prefix: Prefix): Family {
  return prefix.includes(":") ? 6 : 4;
}

export function prefixRange(prefix: Prefix): AddrRange {
  const family = prefixFamily(prefix);
  const first = addrValue(prefixAddr(prefix));
  const last = first + (1n << BigInt(familyBits[family] - prefixBits(prefix))) - 1n;
  return { family, first, last };
}

/** Whether the address lies in the prefix; never across families. */
export function prefixContains(prefix: Prefix, addr: Addr): boolean {
  const { family, first, last } = prefixRange(prefix);
  if (family !== addrFamily(addr)) return false;
  const value = addrValue(addr);
  return first <= value && value <= last;
}

/** Whether `inner` is `outer` or lies inside it. */
export function prefixCovers(outer: Prefix, inner: Prefix): boolean {
  return prefixBits(outer) <= prefixBits(inner) && prefixContains(outer, prefixAddr(inner));
}

export function prefixOverlaps(a: Prefix, b: Prefix): boolean {
  return prefixCovers(a, b) || prefixCovers(b, a);
}

/** Whether this is `0.0.0.0/0` or `::/0`, the two routes that make an exit node. */
export function isExitRoute(prefix: Prefix): boolean {
  return prefix === "0.0.0.0/0" || prefix === "::/0";
}

/** Order of prefixes: IPv4 before IPv6, then by first address, then the wider one first. */
export function comparePrefixes(a: Prefix, b: Prefix): number {
  const left = prefixRange(a);
  const right = prefixRange(b);
  if (left.family !== right.family) return left.family - right.family;
  if (left.first !== right.first) return left.first < right.first ? -1 : 1;
  return prefixBits(a) - prefixBits(b);
}
