import { formatIPv4, parseIPv4 } from "./ipv4.ts";
import { formatIPv6, parseIPv6 } from "./ipv6.ts";
import { NetipError } from "./netip-error.ts";

declare const brand: unique symbol;

/** An IP address in canonical text: dotted quad, or RFC 5952 without a zone. */
export type Addr = string & { readonly [brand]: "Addr" };

export type Family = 4 | 6;

/** Width of an address in bits, by family. */
export const familyBits = { 4: 32, 6: 128 } as const satisfies Record<Family, number>;

/** Value of the last address of the family. */
export const familyMax = { 4: 0xffff_ffffn, 6: (1n << 128n) - 1n } as const satisfies Record<Family, bigint>;

/** @throws {NetipError} `bad-address` for anything but one plain IPv4 or IPv6 address. */
export function parseAddr(text: string): Addr {
  const addr = tryParseAddr(text);
  if (addr === undefined) throw new NetipError("bad-address", "not an IP address");
  return addr;
}

/** As `parseAddr`, but `undefined` where that throws. */
export function tryParseAddr(text: string): Addr | undefined {
  if (!text.includes(":")) {
    const value = parseIPv4(text);
    return value === undefined ? undefined : (formatIPv4(value) as Addr);
  }
  const value = parseIPv6(text);
  return value === undefined ? undefined : (formatIPv6(value) as Addr);
}

export function addrFamily(addr: Addr): Family {
  return addr.includes(":") ? 6 : 4;
}

/** The address as an unsigned integer of 32 or 128 bits. */
export function addrValue(addr: Addr): bigint {
  const value = addr.includes(":") ? parseIPv6(addr) : parseIPv4(addr);
  if (value === undefined) throw new NetipError("bad-address", "not an IP address");
  return BigInt(value);
}

/** @throws {NetipError} `out-of-range` when `value` does not fit the family. */
export function addrFromValue(family: Family, value: bigint): Addr {
  if (value < 0n || value > familyMax[family]) {
    throw new NetipError("out-of-range", `value does not fit an IPv${family} address`);
  }
  return (family === 4 ? formatIPv4(Number(value)) : formatIPv6(value)) as Addr;
}

/** Order of addresses: IPv4 before IPv6, then by value. */
export function compareAddrs(a: Addr, b: Addr): number {
  const family = addrFamily(a) - addrFamily(b);
  if (family !== 0) return family;
  const left = addrValue(a);
  const right = addrValue(b);
  if (left === right) return 0;
  return left < right ? -1 : 1;
}
