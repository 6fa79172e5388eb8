import { isIPv4, isIPv6 } from "node:net";

/** The 4 or 16 bytes of an IP address; a zone is ignored. Undefined if `text` is none. */
export function ipBytes(text: string): Buffer | undefined {
  const address = text.replace(/%.*$/, "");
  if (isIPv4(address)) return Buffer.from(address.split(".").map(Number));
  return isIPv6(address) ? ipv6Bytes(address) : undefined;
}

/** IPv6 form of any address, IPv4 as ::ffff:a.b.c.d; all zero if `text` is no address. */
export function ip16Bytes(text: string): Buffer {
  const bytes = ipBytes(text);
  if (bytes?.length === 16) return bytes;
  const mapped = Buffer.alloc(16);
  if (bytes) {
    mapped.writeUInt16BE(0xffff, 10);
    bytes.copy(mapped, 12);
  }
  return mapped;
}

/** `::ffff:a.b.c.d`, as dual-stack sockets report IPv4 peers, becomes `a.b.c.d`. */
export function unmapped(address: string): string {
  return /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? address;
}

function ipv6Bytes(address: string): Buffer {
  const [head = "", tail] = address.split("::").map(groups);
  const before = Buffer.from(head, "hex");
  const after = Buffer.from(tail ?? "", "hex");
  return Buffer.concat([before, Buffer.alloc(16 - before.length - after.length), after]);
}

/** Colon-separated groups, the last perhaps a dotted quad, as hex digits. */
function groups(text: string): string {
  return text
    .split(":")
    .filter((group) => group !== "")
    .map((group) =>
      group.includes(".") ? Buffer.from(group.split(".").map(Number)).toString("hex") : group.padStart(4, "0"),
    )
    .join("");
}
