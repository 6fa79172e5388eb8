import { crc32 } from "node:zlib";

/**
 * The one exchange of STUN that Tailscale speaks: a Binding request signed `tailnode`, and its success answer.
 * Sources: RFC 5389 sections 6 and 15; tailscale net/stun/stun.go@de9ec7ee.
 */
const BINDING_REQUEST = 0x0001;
const BINDING_SUCCESS = 0x0101;
const MAGIC_COOKIE = 0x2112a442;
const HEADER_BYTES = 20;
const TRANSACTION_AT = 8;
const ATTRIBUTE_BYTES = 4;
const SOFTWARE = 0x8022;
const SOFTWARE_NAME = Buffer.from("tailnode");
const FINGERPRINT = 0x8028;
const FINGERPRINT_BYTES = 4;
const FINGERPRINT_XOR = 0x5354554e;
const XOR_MAPPED_ADDRESS = 0x0020;
const FAMILY = { 4: 1, 16: 2 } as const;

/** The transaction id of a Binding request signed `tailnode`, or undefined: everything else deserves silence. */
export function parseBindingRequest(datagram: Buffer): Buffer | undefined {
  if (datagram.length < HEADER_BYTES || datagram.readUInt16BE(0) !== BINDING_REQUEST) return undefined;
  if (datagram.readUInt32BE(4) !== MAGIC_COOKIE) return undefined;
  return isSigned(datagram) ? datagram.subarray(TRANSACTION_AT, HEADER_BYTES) : undefined;
}

/** Walks the attributes: SOFTWARE must name Tailscale, and the last must be a FINGERPRINT that fits. */
function isSigned(datagram: Buffer): boolean {
  let namesTailscale = false;
  let fingerprintAt = -1;
  let at = HEADER_BYTES;
  while (at < datagram.length) {
    if (datagram.length - at < ATTRIBUTE_BYTES) return false;
    const type = datagram.readUInt16BE(at);
    const length = datagram.readUInt16BE(at + 2);
    const valueAt = at + ATTRIBUTE_BYTES;
    at = valueAt + ((length + 3) & ~3);
    if (at > datagram.length) return false;
    if (type === SOFTWARE && datagram.subarray(valueAt, valueAt + length).equals(SOFTWARE_NAME)) namesTailscale = true;
    fingerprintAt = type === FINGERPRINT && length === FINGERPRINT_BYTES ? valueAt : -1;
  }
  if (!namesTailscale || fingerprintAt < 0) return false;
  return datagram.readUInt32BE(fingerprintAt) === fingerprintOf(datagram.subarray(0, fingerprintAt - ATTRIBUTE_BYTES));
}

function fingerprintOf(signed: Buffer): number {
  return (crc32(signed) ^ FINGERPRINT_XOR) >>> 0;
}

/** `address` has 4 or 16 bytes. 32 bytes for IPv4, 44 for IPv6. */
export function bindingResponse(transaction: Uint8Array, address: Uint8Array, port: number): Buffer {
  const valueBytes = 4 + address.length;
  const response = Buffer.allocUnsafe(HEADER_BYTES + ATTRIBUTE_BYTES + valueBytes);
  response.writeUInt16BE(BINDING_SUCCESS, 0);
  response.writeUInt16BE(ATTRIBUTE_BYTES + valueBytes, 2);
  response.writeUInt32BE(MAGIC_COOKIE, 4);
  response.set(transaction, TRANSACTION_AT);
  response.writeUInt16BE(XOR_MAPPED_ADDRESS, HEADER_BYTES);
  response.writeUInt16BE(valueBytes, HEADER_BYTES + 2);
  response.writeUInt16BE(FAMILY[address.length as 4 | 16], HEADER_BYTES + 4);
  response.writeUInt16BE(port ^ (MAGIC_COOKIE >>> 16), HEADER_BYTES + 6);
  // The mask is the cookie followed by the transaction id: the 16 bytes from offset 4 on.
  for (const [i, byte] of address.entries()) response[HEADER_BYTES + 8 + i] = byte ^ (response[4 + i] as number);
  return response;
}
