import { HEADER_BYTES } from "#protocol.ts";

/** What to do with the frame whose header was read: hand over its payload, discard it, or stop until `resume`. */
export type HeaderVerdict = "take" | "skip" | "wait";

export interface FrameSink {
  /**
   * Asked once for each frame (again after a wait) before its payload is kept, so that a length is judged before memory is spent.
   * Throws to end the connection.
   */
  header(type: number, length: number): HeaderVerdict;
  /** The payload is `bytes[start, end)`, valid during this call only: most often it lies in the chunk as it came. */
  frame(type: number, bytes: Buffer, start: number, end: number): void;
}

/** Cuts a byte stream, pushed in chunks of any size, into DERP frames; copies only a frame that chunks cut apart. */
export class FrameReader {
  readonly #sink: FrameSink;
  readonly #header: Buffer = Buffer.alloc(HEADER_BYTES);
  #headerBytes = 0;
  #partial: Buffer | undefined;
  #partialBytes = 0;
  #skipBytes = 0;
  #held: Buffer[] = [];
  #waiting = false;

  constructor(sink: FrameSink) {
    this.#sink = sink;
  }

  /** Bytes kept because a frame is incomplete or the reader waits. */
  get heldBytes(): number {
    return this.#held.reduce((sum, chunk) => sum + chunk.length, this.#partial?.length ?? this.#headerBytes);
  }

  /** The reader owns `chunk` from now on. @throws whatever the sink throws; the reader is useless then. */
  push(chunk: Buffer): void {
    if (this.#waiting) this.#held.push(chunk);
    else this.#read(chunk);
  }

  /** Goes on after a "wait": the same header is asked about again. */
  resume(): void {
    this.#waiting = false;
    const held = this.#held;
    this.#held = [];
    if (this.#headerBytes === HEADER_BYTES) this.#headerDone();
    for (const chunk of held) this.push(chunk);
  }

  #read(chunk: Buffer): void {
    let at = 0;
    if (this.#skipBytes > 0) at = this.#skipFrom(chunk, at);
    if (this.#partial !== undefined) at = this.#fillPartial(this.#partial, chunk, at);
    if (this.#headerBytes > 0) at = this.#fillHeader(chunk, at);
    this.#readWhole(chunk, at);
  }

  /** The fast path: frames that lie whole in the chunk. */
  #readWhole(chunk: Buffer, from: number): void {
    const end = chunk.length;
    let at = from;
    while (end - at >= HEADER_BYTES && !this.#waiting) {
      const type = chunk[at] as number;
      const length = chunk.readUInt32BE(at + 1);
      const verdict = this.#sink.header(type, length);
      if (verdict === "wait") {
        this.#waiting = true;
        break;
      }
      at += HEADER_BYTES;
      if (length > end - at) {
        if (verdict === "skip") this.#skipBytes = length - (end - at);
        else this.#startPartial(type, length, chunk, at);
        return;
      }
      if (verdict === "take") this.#sink.frame(type, chunk, at, at + length);
      at += length;
    }
    if (at === end) return;
    if (this.#waiting) this.#held.push(chunk.subarray(at));
    else this.#headerBytes = chunk.copy(this.#header, 0, at, end);
  }

  #skipFrom(chunk: Buffer, at: number): number {
    const skipped = Math.min(this.#skipBytes, chunk.length - at);
    this.#skipBytes -= skipped;
    return at + skipped;
  }

  #startPartial(type: number, length: number, chunk: Buffer, at: number): void {
    this.#header[0] = type;
    this.#partial = Buffer.allocUnsafe(length);
    this.#partialBytes = chunk.copy(this.#partial, 0, at);
  }

  #fillPartial(partial: Buffer, chunk: Buffer, at: number): number {
    const copied = chunk.copy(partial, this.#partialBytes, at);
    this.#partialBytes += copied;
    if (this.#partialBytes === partial.length) {
      this.#partial = undefined;
      this.#sink.frame(this.#header[0] as number, partial, 0, partial.length);
    }
    return at + copied;
  }

  /** Completes a header that chunks cut apart, and its payload as far as the chunk goes. */
  #fillHeader(chunk: Buffer, from: number): number {
    const copied = chunk.copy(this.#header, this.#headerBytes, from);
    this.#headerBytes += copied;
    const at = from + copied;
    if (this.#headerBytes < HEADER_BYTES || !this.#headerDone()) return at;
    if (this.#skipBytes > 0) return this.#skipFrom(chunk, at);
    return this.#partial === undefined ? at : this.#fillPartial(this.#partial, chunk, at);
  }

  /** Judges the completed header. False: the reader waits. */
  #headerDone(): boolean {
    const type = this.#header[0] as number;
    const length = this.#header.readUInt32BE(1);
    const verdict = this.#sink.header(type, length);
    if (verdict === "wait") {
      this.#waiting = true;
      return false;
    }
    this.#headerBytes = 0;
    if (verdict === "skip") this.#skipBytes = length;
    else if (length === 0) this.#sink.frame(type, this.#header, HEADER_BYTES, HEADER_BYTES);
    else this.#startPartial(type, length, this.#header, HEADER_BYTES);
    return true;
  }
}
