import { isIPv4, isIPv6 } from "node:net";

/** What the first bytes of a connection say about a PROXY protocol header. Source: haproxy doc/proxy-protocol.txt, 2.0–2.2. */
export type ProxyHeader =
  | { readonly kind: "incomplete" }
  /** Not one, or a broken one: no difference to whoever must have one. */
  | { readonly kind: "none" }
  /** `length` bytes to drop; `source` is absent when the proxy speaks for itself (LOCAL, UNKNOWN, unix). */
  | { readonly kind: "header"; readonly length: number; readonly source: ProxySource | undefined };

export interface ProxySource {
  readonly address: string;
  readonly port: number;
}

const signature1 = Buffer.from("PROXY ");
const signature2 = Buffer.from("\r\n\r\n\0\r\nQUIT\n");
/** "PROXY UNKNOWN" with two full IPv6 addresses and ports; §2.1. */
const maxVersion1Bytes = 107;
/** §2.2 allows 64 KiB; with all TLVs that proxies send it is a few hundred. */
const maxVersion2Bytes = 2_048;
const version2HeadBytes = 16;

const incomplete = { kind: "incomplete" } as const;
const none = { kind: "none" } as const;

export function parseProxyHeader(bytes: Buffer): ProxyHeader {
  if (startsAlike(bytes, signature2)) return bytes.length < version2HeadBytes ? incomplete : parseVersion2(bytes);
  if (startsAlike(bytes, signature1)) return parseVersion1(bytes);
  return none;
}

/** Whether `bytes` begin with the whole signature of either version. No request of HTTP and no TLS record does. */
export function beginsLikeProxyHeader(bytes: Buffer): boolean {
  return [signature1, signature2].some(
    (signature) => bytes.length >= signature.length && startsAlike(bytes, signature),
  );
}

/** Whether what there is of `bytes` agrees with the signature. */
function startsAlike(bytes: Buffer, signature: Buffer): boolean {
  const length = Math.min(bytes.length, signature.length);
  return signature.compare(bytes, 0, length, 0, length) === 0;
}

function parseVersion1(bytes: Buffer): ProxyHeader {
  const end = bytes.subarray(0, maxVersion1Bytes).indexOf("\r\n");
  if (end === -1) return bytes.length < maxVersion1Bytes ? incomplete : none;
  const length = end + 2;
  const [, family, address = "", , sourcePort = "", ...rest] = bytes.toString("latin1", 0, end).split(" ");
  if (family === "UNKNOWN") return { kind: "header", length, source: undefined };
  const isAddress = family === "TCP4" ? isIPv4 : family === "TCP6" ? isIPv6 : undefined;
  const port = /^(0|[1-9]\d{0,4})$/.test(sourcePort) ? Number(sourcePort) : Number.NaN;
  if (!isAddress?.(address) || rest.length !== 1 || !(port <= 65_535)) return none;
  return { kind: "header", length, source: { address, port } };
}

function parseVersion2(bytes: Buffer): ProxyHeader {
  const [version, command] = [(bytes[12] ?? 0) >> 4, (bytes[12] ?? 0) & 15];
  const family = bytes[13] ?? 0;
  const length = version2HeadBytes + bytes.readUInt16BE(14);
  if (version !== 2 || command > 1 || length > maxVersion2Bytes) return none;
  if (bytes.length < length) return incomplete;
  if (command === 0) return { kind: "header", length, source: undefined };
  return parseVersion2Source(family, bytes.subarray(version2HeadBytes, length), length);
}

/** Source address, destination address, source port, destination port; TLVs may follow. */
function parseVersion2Source(family: number, block: Buffer, length: number): ProxyHeader {
  const [tcp4, tcp6, unspecified, unixStream] = [0x11, 0x21, 0x00, 0x31];
  if (family === unspecified || family === unixStream) return { kind: "header", length, source: undefined };
  if (family === tcp4 && block.length >= 12) {
    const source = { address: block.subarray(0, 4).join("."), port: block.readUInt16BE(8) };
    return { kind: "header", length, source };
  }
  if (family === tcp6 && block.length >= 36) {
    const groups = Array.from({ length: 8 }, (_, n) => block.readUInt16BE(n * 2).toString(16));
    return { kind: "header", length, source: { address: groups.join(":"), port: block.readUInt16BE(32) } };
  }
  return none;
}
