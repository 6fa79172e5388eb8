import { isIP, isIPv4 } from "node:net";
import { AcmeError } from "./acme-error.ts";

/** What a certificate is about. Sources: RFC 8555 §9.7.7 (dns), RFC 8738 §3 (ip, in canonical text). */
export interface Identifier {
  readonly type: "dns" | "ip";
  readonly value: string;
}

/** Labels of letters, digits and inner hyphens (RFC 1123 §2.1), at least one dot, 253 characters at most. */
const domainName = /^(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/** Reads a configured name: a host name (any case, Unicode allowed) or an IP address. @throws {AcmeError} `bad-name` */
export function parseIdentifier(text: string): Identifier {
  if (isIP(text)) return { type: "ip", value: canonicalIP(text) };
  const value = asciiHost(text);
  if (value.startsWith("*."))
    throw new AcmeError("bad-name", `no certificate for "${value}": a wildcard needs DNS-01, name each host instead`);
  if (!domainName.test(value))
    throw new AcmeError("bad-name", `no certificate for "${text}": it is neither a full host name nor an IP address`);
  return { type: "dns", value };
}

/** The server name an authority sends for TLS-ALPN-01: the name, or the reverse-DNS name of an address. Source: RFC 8738 §6. */
export function challengeServerName({ type, value }: Identifier): string {
  if (type === "dns") return value;
  const bytes = [...ipBytes(value)];
  if (bytes.length === 4) return `${bytes.reverse().join(".")}.in-addr.arpa`;
  const nibbles = bytes.flatMap((byte) => [byte >> 4, byte & 15]).reverse();
  return `${nibbles.map((nibble) => nibble.toString(16)).join(".")}.ip6.arpa`;
}

/** Network-order bytes of an address: 4 or 16. */
export function ipBytes(address: string): Uint8Array {
  if (isIPv4(address)) return Uint8Array.from(address.split("."), Number);
  const [left = [], right = []] = canonicalIP(address)
    .split("::")
    .map((half) => half.split(":").filter((group) => group !== ""));
  const groups = [...left, ...Array<string>(8 - left.length - right.length).fill("0"), ...right];
  return Uint8Array.from(
    groups.flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 255]),
  );
}

/** RFC 5952 text; the URL parser writes IPv6 so. */
function canonicalIP(address: string): string {
  if (isIPv4(address)) return address;
  const unzoned = address.replace(/%.*$/, "");
  return new URL(`http://[${unzoned}]`).hostname.slice(1, -1);
}

function asciiHost(text: string): string {
  const bare = text.toLowerCase().replace(/\.$/, "");
  if (/^[\x21-\x7e]*$/.test(bare)) return bare;
  return URL.canParse(`http://${bare}`) ? new URL(`http://${bare}`).hostname : bare;
}
