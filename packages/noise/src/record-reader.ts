import { type CipherKey, open } from "./crypto.ts";
import { NoiseError } from "./noise-error.ts";
import { frameType, headerBytes, maxCiphertextBytes, maxFrameBytes, tagBytes } from "./protocol.ts";
import { RecordNonce } from "./record-nonce.ts";

/** Records without content in a row. The protocol has no use for them, and opening one costs what 3 KB cost in a long one. */
const maxEmptyRecords = 64;

/**
 * Turns received bytes, cut anywhere, back into what the other side wrote.
 *
 * Holds at most one incomplete record (4096 bytes), and no buffer at all between records. The first failure is final.
 */
export class RecordReader {
  readonly #key: CipherKey;
  readonly #nonce = new RecordNonce();
  /** Start of a record that the chunks so far did not complete. */
  #partial: Uint8Array | undefined;
  #partialBytes = 0;
  #emptyRecords = 0;
  #records = 0;
  #failed = false;

  /** `key` is used by this reader alone. */
  constructor(key: CipherKey) {
    this.#key = key;
  }

  /** Bytes of an incomplete record held back. */
  get heldBytes(): number {
    return this.#partialBytes;
  }

  /** Records opened so far. */
  get records(): number {
    return this.#records;
  }

  /**
   * The plaintext of every record that `chunk` completes, in order; records without content are left out.
   * `chunk` is neither kept nor altered.
   * @throws {NoiseError} `bad-frame-type`, `record-too-long`, `record-too-short`, `too-many-empty-records`, `bad-tag`,
   * `nonces-exhausted`, and `finished` after any of these
   */
  push(chunk: Uint8Array): Uint8Array[] {
    if (this.#failed) throw new NoiseError("finished", "the connection failed before");
    try {
      return this.#split(chunk);
    } catch (error) {
      this.#failed = true;
      throw error;
    }
  }

  /** Says that no more bytes come. @throws {NoiseError} `truncated` in the middle of a record */
  end(): void {
    if (this.#partialBytes > 0) throw new NoiseError("truncated", "the connection ended inside a record");
  }

  #split(chunk: Uint8Array): Uint8Array[] {
    const plaintexts: Uint8Array[] = [];
    let at = this.#partialBytes > 0 ? this.#completePartial(chunk, plaintexts) : 0;
    while (chunk.length - at >= headerBytes) {
      const end = at + frameLength(chunk, at);
      if (end > chunk.length) break;
      this.#openFrame(chunk.subarray(at + headerBytes, end), plaintexts);
      at = end;
    }
    if (at < chunk.length) this.#hold(chunk.subarray(at));
    return plaintexts;
  }

  /** Tops up the held record; returns how much of `chunk` that took. */
  #completePartial(chunk: Uint8Array, plaintexts: Uint8Array[]): number {
    const partial = this.#partial as Uint8Array;
    let at = 0;
    if (this.#partialBytes < headerBytes) {
      at = this.#hold(chunk.subarray(0, headerBytes - this.#partialBytes));
      if (this.#partialBytes < headerBytes) return at;
    }
    const length = frameLength(partial, 0);
    at += this.#hold(chunk.subarray(at, at + length - this.#partialBytes));
    if (this.#partialBytes === length) {
      this.#partial = undefined;
      this.#partialBytes = 0;
      this.#openFrame(partial.subarray(headerBytes, length), plaintexts);
    }
    return at;
  }

  #hold(bytes: Uint8Array): number {
    this.#partial ??= new Uint8Array(maxFrameBytes);
    this.#partial.set(bytes, this.#partialBytes);
    this.#partialBytes += bytes.length;
    return bytes.length;
  }

  #openFrame(ciphertext: Uint8Array, plaintexts: Uint8Array[]): void {
    const plaintext = open(this.#key, this.#nonce.advance(), ciphertext);
    this.#records++;
    this.#emptyRecords = plaintext.length > 0 ? 0 : this.#emptyRecords + 1;
    if (this.#emptyRecords > maxEmptyRecords)
      throw new NoiseError("too-many-empty-records", "the other side sends records without content");
    if (plaintext.length > 0) plaintexts.push(plaintext);
  }
}

/** Length of the frame whose header is at `at`, header included. */
function frameLength(bytes: Uint8Array, at: number): number {
  if (bytes[at] !== frameType.record) {
    throw new NoiseError("bad-frame-type", `frame of type ${bytes[at]} where a record belongs`);
  }
  const length = ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
  if (length > maxCiphertextBytes) throw new NoiseError("record-too-long", `record of ${length} bytes`);
  if (length < tagBytes) throw new NoiseError("record-too-short", `record of ${length} bytes has no tag`);
  return headerBytes + length;
}
