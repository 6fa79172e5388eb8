import { ClientFailure } from "./client-failure.ts";

/** Bytes of the little-endian length before each message. tailscale control/controlclient/direct.go@de9ec7ee */
const lengthBytes = 4;

/**
 * Cuts a map stream into its compressed messages. With `keep` false the messages are only measured, so that watching a
 * stream costs no memory.
 */
export class MapFrameReader {
  readonly #maxBytes: number;
  readonly #keep: boolean;
  readonly #length = new Uint8Array(lengthBytes);
  #lengthFilled = 0;
  #frame: Buffer | undefined;
  #frameBytes = 0;
  #filled = 0;

  /** `maxBytes`: longest message taken. */
  constructor({ maxBytes = 256 << 20, keep = true }: { maxBytes?: number; keep?: boolean } = {}) {
    this.#maxBytes = maxBytes;
    this.#keep = keep;
  }

  /** Calls `onFrame` for each message that `chunk` completes; `frame` is undefined when messages aren't kept. */
  push(chunk: Uint8Array, onFrame: (bytes: number, frame: Buffer | undefined) => void): void {
    for (let at = 0; at < chunk.length; ) {
      at += this.#lengthFilled < lengthBytes ? this.#takeLength(chunk, at) : this.#takeBody(chunk, at);
      if (this.#lengthFilled < lengthBytes || this.#filled < this.#frameBytes) continue;
      const frame = this.#frame;
      this.#frame = undefined;
      this.#lengthFilled = 0;
      onFrame(this.#frameBytes, frame);
    }
  }

  /** @throws {ClientFailure} `unexpected-eof` in the middle of a message */
  end(): void {
    if (this.#lengthFilled > 0) throw new ClientFailure("unexpected-eof", "the map stream ended inside a message");
  }

  #takeLength(chunk: Uint8Array, at: number): number {
    const piece = chunk.subarray(at, at + lengthBytes - this.#lengthFilled);
    this.#length.set(piece, this.#lengthFilled);
    this.#lengthFilled += piece.length;
    if (this.#lengthFilled === lengthBytes) this.#start(new DataView(this.#length.buffer).getUint32(0, true));
    return piece.length;
  }

  #start(length: number): void {
    if (length > this.#maxBytes) throw new ClientFailure("frame-too-long", `map message of ${length} bytes`);
    this.#frameBytes = length;
    this.#filled = 0;
    if (this.#keep) this.#frame = Buffer.allocUnsafe(length);
  }

  #takeBody(chunk: Uint8Array, at: number): number {
    const take = Math.min(chunk.length - at, this.#frameBytes - this.#filled);
    this.#frame?.set(chunk.subarray(at, at + take), this.#filled);
    this.#filled += take;
    return take;
  }
}
