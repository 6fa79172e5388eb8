import { flag, frame, frameType, headerBlock, opening } from "@headscale/server/edge/testing/http2-frames";
import { currentVersion } from "./control/client-netmap.ts";

/** HTTP/2 as it is said inside Noise, in frames that no library would put so. */

export const odd = (n: number): number => n * 2 - 1;

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** The start of a session whose answers may not be sent: every window is empty. */
export const zeroWindowOpening: Buffer = Buffer.concat([
  opening.subarray(0, -9),
  frame(frameType.settings, 0, 0, Buffer.concat([Uint8Array.of(0, 4), uint32(0)])),
]);

/** A whole request without a body, or the head of one with. */
export function head(
  stream: number,
  method: "GET" | "POST",
  path: string,
  fields: Readonly<Record<string, string>> = {},
): Buffer {
  const flags = method === "GET" ? flag.endHeaders | flag.endStream : flag.endHeaders;
  return frame(frameType.headers, flags, stream, headerBlock(method, fields, path));
}

/** A whole POST of JSON. */
export function post(stream: number, path: string, body: object): Buffer {
  const text = Buffer.from(JSON.stringify({ Version: currentVersion, ...body }));
  return Buffer.concat([head(stream, "POST", path), frame(frameType.data, flag.endStream, stream, text)]);
}
