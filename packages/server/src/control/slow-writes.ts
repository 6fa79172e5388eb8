import type { Writable } from "node:stream";

/** As much as a reader has to take in the time it is given. */
const pieceBytes = 65_536;

/** A reader takes too little in too long. */
export class SlowReaderError extends Error {
  override readonly name = "SlowReaderError";
  constructor() {
    super("the client does not read its map");
  }
}

/**
 * Writes `pieces`, 64 KiB at a time, and waits for each until the reader has taken it: what waits to be written is shared
 * with other readers of the same bytes, and no copy of it is made. Returns early when the stream is destroyed.
 * @throws {SlowReaderError} after `ms` without progress; the signal's reason when it fires
 */
export async function writeWithin(
  stream: Writable,
  pieces: readonly Uint8Array[],
  ms: number,
  signal: AbortSignal,
): Promise<void> {
  for (const chunk of chunksOf(pieces)) {
    if (stream.destroyed) return;
    await taken(stream, chunk, ms, signal);
  }
}

function taken(stream: Writable, chunk: Uint8Array, ms: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const stop = () => reject(signal.reason);
  const timer = setTimeout(() => reject(new SlowReaderError()), ms);
  signal.addEventListener("abort", stop);
  // A stream that is gone says so by its own error and close.
  stream.write(chunk, () => resolve());
  if (signal.aborted) stop();
  return promise.finally(() => {
    clearTimeout(timer);
    signal.removeEventListener("abort", stop);
  });
}

/** Small pieces are joined, as each write becomes a frame and a record; large ones are cut. */
function* chunksOf(pieces: readonly Uint8Array[]): Generator<Uint8Array> {
  let small: Uint8Array[] = [];
  let bytes = 0;
  for (const piece of pieces) {
    if (bytes + piece.length > pieceBytes && bytes > 0) {
      yield Buffer.concat(small);
      small = [];
      bytes = 0;
    }
    if (piece.length <= pieceBytes) {
      small.push(piece);
      bytes += piece.length;
    } else for (let at = 0; at < piece.length; at += pieceBytes) yield piece.subarray(at, at + pieceBytes);
  }
  if (bytes > 0) yield small.length === 1 ? (small[0] as Uint8Array) : Buffer.concat(small);
}
