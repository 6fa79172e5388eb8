import { crc32 } from "node:zlib";

/** What clients send, written from the specification. Source: RFC 8489 §5, §14; tailscale de9ec7ee net/stun/stun.go Request. */
export function bindingRequest(transaction: Uint8Array): Buffer {
  const attributes = Buffer.concat([Buffer.from("80220008", "hex"), Buffer.from("tailnode")]);
  const header = Buffer.concat([Buffer.from("000100142112a442", "hex"), transaction]);
  const covered = Buffer.concat([header, attributes]);
  const fingerprint = Buffer.from("8028000400000000", "hex");
  fingerprint.writeUInt32BE((crc32(covered) ^ 0x5354554e) >>> 0, 4);
  return Buffer.concat([covered, fingerprint]);
}
