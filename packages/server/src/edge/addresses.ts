import { BlockList, isIP, isIPv4, isIPv6 } from "node:net";
import { EdgeError } from "./edge-error.ts";

/** The one text of an address: IPv4 out of IPv4-mapped IPv6, RFC 5952 without zone. `undefined` for anything else. */
export function canonicalAddress(text: string | undefined): string | undefined {
  if (text === undefined || isIPv4(text)) return text;
  const unzoned = text.replace(/%.*$/, "");
  if (!isIPv6(unzoned)) return undefined;
  const canonical = new URL(`http://[${unzoned}]`).hostname.slice(1, -1);
  const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(canonical);
  if (!mapped) return canonical;
  const [high, low] = [Number.parseInt(mapped[1] ?? "", 16), Number.parseInt(mapped[2] ?? "", 16)];
  return [high >> 8, high & 255, low >> 8, low & 255].join(".");
}

/** Whose misbehaviour counts together: an IPv4 address, or the /64 of an IPv6 one. `address` must be canonical. */
export function addressGroup(address: string): string {
  if (!isIPv6(address)) return address;
  const [left = "", right] = address.split("::");
  const head = left === "" ? [] : left.split(":");
  const tail = right ? right.split(":") : [];
  const middle = right === undefined ? 0 : 8 - head.length - tail.length;
  return `${[...head, ...Array<string>(middle).fill("0"), ...tail].slice(0, 4).join(":")}::/64`;
}

/** A set of addresses given by CIDR prefixes or single addresses. */
export interface AddressSet {
  has(address: string | undefined): boolean;
}

/** @throws {EdgeError} `bad-prefix`, naming `setting` and the index of the wrong entry. */
export function addressSet(setting: string, prefixes: readonly string[]): AddressSet {
  const list = new BlockList();
  for (const [index, text] of prefixes.entries()) {
    const [address = "", length, ...rest] = text.split("/");
    const family = isIP(address);
    const bits = length === undefined ? (family === 4 ? 32 : 128) : Number(length);
    const wellFormed =
      family !== 0 &&
      rest.length === 0 &&
      (length === undefined || /^\d{1,3}$/.test(length)) &&
      bits <= (family === 4 ? 32 : 128);
    if (!wellFormed)
      throw new EdgeError("bad-prefix", `${setting}[${index}] is not an address or a prefix like 10.0.0.0/8`);
    list.addSubnet(address, bits, family === 4 ? "ipv4" : "ipv6");
  }
  return {
    has(text) {
      const address = canonicalAddress(text);
      return address !== undefined && list.check(address, isIPv4(address) ? "ipv4" : "ipv6");
    },
  };
}
