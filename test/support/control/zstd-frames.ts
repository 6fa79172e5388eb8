import { type ZstdOptions, zstdDecompressSync } from "node:zlib";
import { ClientFailure } from "./client-failure.ts";

/** RFC 8878 §3.1.1, §3.1.2 */
const frameMagic = 0xfd2fb528;
const skippableMagic = 0x184d2a50;
const maxOutputLength = 512 << 20;

interface WithEngine {
  readonly buffer: Buffer;
  readonly engine: { readonly bytesWritten: number };
}

export interface Unzstd {
  readonly bytes: Buffer;
  readonly frames: number;
  /** At least one frame says how long its content is. */
  readonly sized: boolean;
}

/** Decompresses any number of frames one behind the other; Node's decoder stops after the first. @throws {ClientFailure} */
export function unzstd(input: Buffer): Unzstd {
  const parts: Buffer[] = [];
  let sized = false;
  for (let at = 0; at < input.length; ) {
    const rest = input.subarray(at);
    const magic = rest.length < 4 ? 0 : rest.readUInt32LE(0);
    if (magic >>> 4 === skippableMagic >>> 4 && rest.length >= 8) {
      at += 8 + rest.readUInt32LE(4);
      continue;
    }
    if (magic !== frameMagic) throw new ClientFailure("bad-zstd", "magic number mismatch");
    sized ||= hasContentSize(rest[4] ?? 0);
    const { part, consumed } = firstFrame(rest);
    parts.push(part);
    at += consumed;
  }
  return { bytes: parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts), frames: parts.length, sized };
}

function firstFrame(input: Buffer): { part: Buffer; consumed: number } {
  try {
    // The types know nothing of `info`. https://nodejs.org/api/zlib.html#class-options
    const options: ZstdOptions = { info: true, maxOutputLength };
    const { buffer, engine } = zstdDecompressSync(input, options) as unknown as WithEngine;
    return { part: buffer, consumed: engine.bytesWritten };
  } catch (cause) {
    throw new ClientFailure("bad-zstd", "the message does not decompress", { cause });
  }
}

/** Content size flag or single segment. RFC 8878 §3.1.1.1.1 */
function hasContentSize(descriptor: number): boolean {
  return (descriptor & 0b1110_0000) !== 0;
}
