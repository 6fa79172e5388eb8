/** Just enough DER (X.690 §8–10) to write requests and certificates; nothing here reads. */

/** Tag, definite length, contents. */
export function tlv(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(parts);
  const lengthBytes: number[] = [];
  for (let rest = body.length; rest > 0; rest >>= 8) lengthBytes.unshift(rest & 255);
  const head = body.length < 128 ? [body.length] : [0x80 | lengthBytes.length, ...lengthBytes];
  return Buffer.concat([Uint8Array.of(tag, ...head), body]);
}

export const sequence = (...parts: Uint8Array[]): Buffer => tlv(0x30, ...parts);
export const set = (...parts: Uint8Array[]): Buffer => tlv(0x31, ...parts);
export const octets = (bytes: Uint8Array): Buffer => tlv(0x04, bytes);
export const utf8 = (text: string): Buffer => tlv(0x0c, Buffer.from(text));
export const isTrue: Buffer = tlv(0x01, Uint8Array.of(255));
/** Whole bytes; no unused bits. */
export const bitString = (bytes: Uint8Array): Buffer => tlv(0x03, Uint8Array.of(0), bytes);
/** `[n]`, constructed. */
export const context = (n: number, ...parts: Uint8Array[]): Buffer => tlv(0xa0 | n, ...parts);
/** `[n] IMPLICIT`, primitive. */
export const contextBytes = (n: number, bytes: Uint8Array): Buffer => tlv(0x80 | n, bytes);

/** A non-negative integer given by its big-endian bytes. */
export function integer(bytes: Uint8Array): Buffer {
  const start = bytes.findIndex((byte) => byte !== 0);
  const short = start === -1 ? Uint8Array.of(0) : bytes.subarray(start);
  return (short[0] ?? 0) & 0x80 ? tlv(0x02, Uint8Array.of(0), short) : tlv(0x02, short);
}

/** An object identifier from its dotted text. */
export function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  const arcs = [first * 40 + second, ...rest].flatMap((arc) => {
    const digits = [arc & 127];
    for (let more = Math.floor(arc / 128); more > 0; more = Math.floor(more / 128)) digits.unshift((more & 127) | 128);
    return digits;
  });
  return tlv(0x06, Uint8Array.from(arcs));
}

/** UTCTime up to 2049, GeneralizedTime from 2050 (RFC 5280 §4.1.2.5). */
export function time(epochMs: number): Buffer {
  const text = `${new Date(epochMs).toISOString().replace(/\D/g, "").slice(0, 14)}Z`;
  return text < "2050" ? tlv(0x17, Buffer.from(text.slice(2))) : tlv(0x18, Buffer.from(text));
}

/** RFC 7468 text: 64 columns of base64 between BEGIN and END. */
export function pem(label: string, der: Buffer): string {
  const lines = der.toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}
