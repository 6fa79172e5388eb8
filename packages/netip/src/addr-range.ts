import { type Addr, addrFamily, addrFromValue, addrValue, type Family, familyBits, tryParseAddr } from "./addr.ts";
import { NetipError } from "./netip-error.ts";
import { type Prefix, prefixFrom, prefixRange, tryParsePrefix } from "./prefix.ts";

/** All addresses of one family from `first` to `last`, both included. */
export interface AddrRange {
  readonly family: Family;
  readonly first: bigint;
  readonly last: bigint;
}

export function rangeOfAddr(addr: Addr): AddrRange {
  const value = addrValue(addr);
  return { family: addrFamily(addr), first: value, last: value };
}

/**
 * Reads an address, a prefix without host bits, or `FIRST-LAST`.
 * @throws {NetipError} `bad-range` for anything else, `family-mismatch` for ends of two families.
 */
export function parseAddrRange(text: string): AddrRange {
  const addr = tryParseAddr(text);
  if (addr !== undefined) return rangeOfAddr(addr);
  const prefix = tryParsePrefix(text);
  if (prefix !== undefined) return prefixRange(prefix);
  const dash = text.indexOf("-");
  const first = dash < 0 ? undefined : tryParseAddr(text.slice(0, dash));
  const last = dash < 0 ? undefined : tryParseAddr(text.slice(dash + 1));
  if (first === undefined || last === undefined) throw new NetipError("bad-range", "not an address, prefix or range");
  const family = addrFamily(first);
  if (family !== addrFamily(last)) throw new NetipError("family-mismatch", "a range has both ends in one family");
  const range = { family, first: addrValue(first), last: addrValue(last) };
  if (range.first > range.last) throw new NetipError("bad-range", "the range ends before it begins");
  return range;
}

/** Shortest text that clients read: `a` for one address, `a/n` where the range is a prefix, else `a-b`. */
export function formatAddrRange(range: AddrRange): string {
  const { family, first, last } = range;
  const start = addrFromValue(family, first);
  if (first === last) return start;
  const bits = prefixLengthOf(range);
  return bits === undefined ? `${start}-${addrFromValue(family, last)}` : `${start}/${bits}`;
}

function prefixLengthOf({ family, first, last }: AddrRange): number | undefined {
  const size = last - first + 1n;
  if ((size & (size - 1n)) !== 0n || first % size !== 0n) return undefined;
  return familyBits[family] - (size.toString(2).length - 1);
}

/** The fewest prefixes that together are exactly the range, in ascending order. */
export function rangePrefixes({ family, first, last }: AddrRange): Prefix[] {
  const prefixes: Prefix[] = [];
  let next = first;
  while (next <= last) {
    let hostBits = next === 0n ? familyBits[family] : trailingZeros(next);
    while (next + (1n << BigInt(hostBits)) - 1n > last) hostBits -= 1;
    prefixes.push(prefixFrom(family, next, familyBits[family] - hostBits));
    next += 1n << BigInt(hostBits);
  }
  return prefixes;
}

function trailingZeros(value: bigint): number {
  return (value & -value).toString(2).length - 1;
}
