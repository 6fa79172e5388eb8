import { HEADER_BYTES, PING_BYTES } from "#protocol.ts";

/** Writes a header at `offset` and returns the offset behind it. */
export function putHeader(into: Uint8Array, offset: number, type: number, length: number): number {
  into[offset] = type;
  into[offset + 1] = length >>> 24;
  into[offset + 2] = length >>> 16;
  into[offset + 3] = length >>> 8;
  into[offset + 4] = length;
  return offset + HEADER_BYTES;
}

/** A whole frame of `parts`. For what is rare: login, control frames, tests. */
export function frameOf(type: number, ...parts: readonly Uint8Array[]): Buffer {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const frame = Buffer.allocUnsafe(HEADER_BYTES + length);
  let at = putHeader(frame, 0, type, length);
  for (const part of parts) {
    frame.set(part, at);
    at += part.length;
  }
  return frame;
}

/** A Ping or Pong frame with the first 8 bytes of `bytes` from `start`. */
export function pingFrame(type: number, bytes: Buffer, start: number): Buffer {
  const frame = Buffer.allocUnsafe(HEADER_BYTES + PING_BYTES);
  bytes.copy(frame, putHeader(frame, 0, type, PING_BYTES), start, start + PING_BYTES);
  return frame;
}
