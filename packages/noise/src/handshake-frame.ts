import { NoiseError } from "./noise-error.ts";
import {
  frameType,
  headerBytes,
  initiationBytes,
  initiationPayloadBytes,
  keyBytes,
  maxVersion,
  responseBytes,
  responsePayloadBytes,
  tagBytes,
  versionBytes,
} from "./protocol.ts";

/** `u16 version ‖ u8 1 ‖ u16 96 ‖ 32 e ‖ 48 sealed s ‖ 16 tag`. Source: tailscale control/controlbase/messages.go@de9ec7ee */
export interface Initiation {
  readonly version: number;
  readonly ephemeral: Uint8Array;
  readonly sealedStatic: Uint8Array;
  readonly tag: Uint8Array;
}

/** `u8 2 ‖ u16 48 ‖ 32 e ‖ 16 tag`. Source: tailscale control/controlbase/messages.go@de9ec7ee */
export interface Response {
  readonly ephemeral: Uint8Array;
  readonly tag: Uint8Array;
}

/** @throws {NoiseError} `bad-version` unless the version is a u16 */
export function encodeInitiation(message: Initiation): Uint8Array {
  if (!Number.isInteger(message.version) || message.version < 0 || message.version > maxVersion) {
    throw new NoiseError("bad-version", "the capability version must be between 0 and 65535");
  }
  const frame = new Uint8Array(initiationBytes);
  new DataView(frame.buffer).setUint16(0, message.version);
  putHeader(frame.subarray(versionBytes), frameType.initiation, initiationPayloadBytes);
  putFields(frame, versionBytes + headerBytes, message.ephemeral, message.sealedStatic, message.tag);
  return frame;
}

/** Takes exactly one initiation. @throws {NoiseError} `bad-length`, `bad-frame-type` */
export function decodeInitiation(frame: Uint8Array): Initiation {
  if (frame.length !== initiationBytes) {
    throw new NoiseError("bad-length", `handshake initiation of ${frame.length} bytes, not ${initiationBytes}`);
  }
  checkHeader(frame.subarray(versionBytes), frameType.initiation, initiationPayloadBytes);
  const ephemeralEnd = versionBytes + headerBytes + keyBytes;
  const staticEnd = ephemeralEnd + keyBytes + tagBytes;
  return {
    version: u16(frame, 0),
    ephemeral: frame.subarray(versionBytes + headerBytes, ephemeralEnd),
    sealedStatic: frame.subarray(ephemeralEnd, staticEnd),
    tag: frame.subarray(staticEnd),
  };
}

export function encodeResponse(message: Response): Uint8Array {
  const frame = new Uint8Array(responseBytes);
  putHeader(frame, frameType.response, responsePayloadBytes);
  putFields(frame, headerBytes, message.ephemeral, message.tag);
  return frame;
}

/** Takes exactly one response. @throws {NoiseError} `bad-length`, `bad-frame-type` */
export function decodeResponse(frame: Uint8Array): Response {
  if (frame.length !== responseBytes) {
    throw new NoiseError("bad-length", `handshake response of ${frame.length} bytes, not ${responseBytes}`);
  }
  checkHeader(frame, frameType.response, responsePayloadBytes);
  return {
    ephemeral: frame.subarray(headerBytes, headerBytes + keyBytes),
    tag: frame.subarray(headerBytes + keyBytes),
  };
}

/**
 * `u8 3 ‖ u16 length ‖ text`: what a server may send instead of a response. The client shows the text, which nothing
 * authenticates, so it must not carry anything the caller sent. Cut at 65,535 bytes.
 */
export function encodeErrorFrame(text: string): Uint8Array {
  const bytes = new TextEncoder().encode(text).subarray(0, 0xffff);
  const frame = new Uint8Array(headerBytes + bytes.length);
  putHeader(frame, frameType.error, bytes.length);
  frame.set(bytes, headerBytes);
  return frame;
}

export function u16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}

function putHeader(frame: Uint8Array, type: number, length: number): void {
  frame.set([type, length >> 8, length & 0xff]);
}

function putFields(frame: Uint8Array, start: number, ...fields: readonly Uint8Array[]): void {
  let at = start;
  for (const field of fields) {
    frame.set(field, at);
    at += field.length;
  }
}

function checkHeader(frame: Uint8Array, type: number, length: number): void {
  if (frame[0] !== type) throw new NoiseError("bad-frame-type", `frame of type ${frame[0]}, not ${type}`);
  if (u16(frame, 1) !== length) {
    throw new NoiseError("bad-length", `payload of ${u16(frame, 1)} bytes, not ${length}`);
  }
}
