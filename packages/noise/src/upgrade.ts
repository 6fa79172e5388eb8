import { NoiseError } from "./noise-error.ts";
import { initiationBytes, upgradeProtocol } from "./protocol.ts";

/** The answer to a good upgrade request; the handshake response follows it at once. */
export const switchingProtocols: string = [
  "HTTP/1.1 101 Switching Protocols",
  `Upgrade: ${upgradeProtocol}`,
  "Connection: upgrade",
  "\r\n",
].join("\r\n");

/** Standard base64 with padding, as the handshake header and query parameter carry it. */
export function encodeHandshakeHeader(initiation: Uint8Array): string {
  return Buffer.from(initiation.buffer, initiation.byteOffset, initiation.length).toString("base64");
}

const base64Length = 4 * Math.ceil(initiationBytes / 3);

/**
 * The 101 bytes of a handshake header or query parameter.
 * @throws {NoiseError} `bad-handshake-header` unless it is exactly one initiation in standard padded base64
 */
export function decodeHandshakeHeader(text: string): Uint8Array {
  // Buffer's decoder skips what it does not know, so the form is checked first.
  if (text.length !== base64Length || !/^[A-Za-z0-9+/]+=$/.test(text)) {
    throw new NoiseError("bad-handshake-header", "the handshake header is not one handshake initiation in base64");
  }
  return new Uint8Array(Buffer.from(text, "base64"));
}
