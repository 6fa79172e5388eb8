/** What a client of a shared port speaks, by its first bytes. */
export type FirstProtocol = "tls" | "h1" | "h2";

/** The HTTP/2 client connection preface. Source: RFC 9113 §3.4. */
const http2Preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
/** ContentType handshake of a TLS record. Source: RFC 8446 §5.1. */
const tlsHandshake = 0x16;

/** `undefined` while `bytes` could still become more than one of them. What is neither TLS nor HTTP/2 is HTTP/1.1's to refuse. */
export function firstProtocol(bytes: Uint8Array): FirstProtocol | undefined {
  if (bytes.length === 0) return undefined;
  if (bytes[0] === tlsHandshake) return "tls";
  const length = Math.min(bytes.length, http2Preface.length);
  if (http2Preface.compare(bytes, 0, length, 0, length) !== 0) return "h1";
  return length === http2Preface.length ? "h2" : undefined;
}
