import { type CipherKey, sealInto } from "./crypto.ts";
import { frameType, headerBytes, maxPlaintextBytes, tagBytes } from "./protocol.ts";
import { RecordNonce } from "./record-nonce.ts";

/** Turns what is written into sealed records. */
export class RecordWriter {
  readonly #key: CipherKey;
  readonly #nonce = new RecordNonce();

  /** `key` is used by this writer alone. */
  constructor(key: CipherKey) {
    this.#key = key;
  }

  /**
   * All chunks, one after the other, as one batch of records: every record but the last is full. Nothing to write
   * gives an empty batch.
   * @throws {NoiseError} `nonces-exhausted`
   */
  seal(chunks: readonly Uint8Array[]): Uint8Array {
    const length = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    const records = Math.ceil(length / maxPlaintextBytes);
    const batch = Buffer.allocUnsafe(length + records * (headerBytes + tagBytes));
    const source = new Gather(chunks);
    for (let at = 0, left = length; left > 0; ) {
      const size = Math.min(left, maxPlaintextBytes);
      const end = at + headerBytes + size + tagBytes;
      batch[at] = frameType.record;
      batch.writeUInt16BE(size + tagBytes, at + 1);
      const body = batch.subarray(at + headerBytes, end);
      // A record's plaintext is sealed where it lies; only one that spans chunks is first joined, in its final place.
      const plaintext = source.take(size, body);
      sealInto(body, this.#key, this.#nonce.advance(), plaintext);
      at = end;
      left -= size;
    }
    return batch;
  }
}

/** Reads a list of chunks as one run of bytes. */
class Gather {
  readonly #chunks: readonly Uint8Array[];
  #index = 0;
  #offset = 0;

  constructor(chunks: readonly Uint8Array[]) {
    this.#chunks = chunks;
  }

  /** The next `size` bytes: a view if one chunk holds them all, else copied to the start of `scratch`. */
  take(size: number, scratch: Uint8Array): Uint8Array {
    const chunk = this.#chunks[this.#index];
    if (chunk && chunk.length - this.#offset >= size) {
      this.#offset += size;
      return chunk.subarray(this.#offset - size, this.#offset);
    }
    for (let filled = 0; filled < size; ) {
      const piece = this.#piece(size - filled);
      scratch.set(piece, filled);
      filled += piece.length;
    }
    return scratch.subarray(0, size);
  }

  /** Up to `most` bytes that lie together; empty where a chunk ends. */
  #piece(most: number): Uint8Array {
    const chunk = this.#chunks[this.#index] as Uint8Array;
    const piece = chunk.subarray(this.#offset, this.#offset + most);
    this.#offset += piece.length;
    if (this.#offset === chunk.length) {
      this.#index += 1;
      this.#offset = 0;
    }
    return piece;
  }
}
