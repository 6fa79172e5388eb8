import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { type EarlyPayload, EarlyPayloadReader, encodeEarlyPayload } from "./early-payload.ts";
import { NoiseError } from "./noise-error.ts";
import type { NoiseSession } from "./noise-session.ts";
import type { RecordReader } from "./record-reader.ts";
import type { RecordWriter } from "./record-writer.ts";

export interface NoiseDuplexOptions {
  /** Bytes of records that came before the socket was handed over (Node's `head` of an upgrade). */
  readonly head?: Uint8Array;
  /** Sent in the clear before the first record, in the same write: a server's 101 head and handshake response. */
  readonly preamble?: Uint8Array;
  /** Server: sent as the first record, in the same write as the preamble. */
  readonly earlyPayload?: EarlyPayload;
  /**
   * Client: takes an early payload off the stream and tells what it was (undefined: none). With `head` this may be
   * called before `noiseDuplex` returns.
   */
  readonly onEarlyPayload?: (payload: EarlyPayload | undefined) => void;
}

/**
 * The bytes inside a Noise connection, as a stream that owns `socket` from here on.
 *
 * Ends when the socket ends, half-closes when ended, and is destroyed with the reason when a record is bad, when the
 * socket fails, or when it ends inside a record. Destroying it destroys the socket.
 * @throws {NoiseError} `finished` if the session's records are in use already
 */
export function noiseDuplex(socket: Duplex, session: NoiseSession, options: NoiseDuplexOptions = {}): NoiseDuplex {
  return new NoiseDuplex(socket, session, options);
}

/**
 * A short record takes as long to open as some kilobytes of a long one, so that bytes alone do not tell what a peer costs
 * us; a moderate part of it, as honest peers send short ones too.
 */
const recordWork = 256;

type Callback = (error?: Error | null) => void;

export class NoiseDuplex extends Duplex {
  readonly session: NoiseSession;
  readonly #socket: Duplex;
  readonly #reader: RecordReader;
  readonly #writer: RecordWriter;
  readonly #onEarlyPayload: NoiseDuplexOptions["onEarlyPayload"];
  #early: EarlyPayloadReader | undefined;
  /** The callback of a write that the socket had no room for. */
  #heldBack: Callback | undefined;
  #sending = false;
  #receivedBytes = 0;
  #sentBytes = 0;
  /** The socket's readable half ended as it should. */
  #ended = false;

  constructor(socket: Duplex, session: NoiseSession, options: NoiseDuplexOptions) {
    super({ allowHalfOpen: true });
    const { reader, writer } = session.takeRecords();
    this.session = session;
    this.#socket = socket;
    this.#reader = reader;
    this.#writer = writer;
    this.#onEarlyPayload = options.onEarlyPayload;
    if (options.onEarlyPayload) this.#early = new EarlyPayloadReader();
    this.#greet(options);
    if (options.head && options.head.length > 0) this.#receive(options.head);
    socket
      .on("data", (chunk: Uint8Array) => (this.#sending ? this.#postpone(chunk) : this.#receive(chunk)))
      .on("drain", () => this.#release())
      .on("end", () => this.#endOfSocket())
      .on("error", (error: Error) => this.destroy(error))
      .on("close", () => this.#closeOfSocket());
  }

  /** Address of the other end of the socket; undefined where the socket has none. */
  get remoteAddress(): string | undefined {
    return (this.#socket as Partial<Socket>).remoteAddress;
  }

  get remotePort(): number | undefined {
    return (this.#socket as Partial<Socket>).remotePort;
  }

  /** What has come in, in bytes on the wire, and {@link recordWork} more for each record. */
  get receivedWork(): number {
    return this.#receivedBytes + this.#reader.records * recordWork;
  }

  /** What has gone out, in bytes on the wire. */
  get sentBytes(): number {
    return this.#sentBytes;
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, callback: Callback): void {
    this.#send([chunk], callback);
  }

  override _writev(chunks: readonly { chunk: Uint8Array }[], callback: Callback): void {
    this.#send(
      chunks.map(({ chunk }) => chunk),
      callback,
    );
  }

  override _final(callback: Callback): void {
    // A socket that fails meanwhile says so through its own error and close.
    this.#socket.end(() => callback());
  }

  override _destroy(error: Error | null, callback: Callback): void {
    this.#socket.destroy();
    this.#release();
    callback(error);
  }

  #greet({ preamble, earlyPayload }: NoiseDuplexOptions): void {
    const early = earlyPayload && this.#writer.seal([encodeEarlyPayload(earlyPayload)]);
    const greeting = [preamble, early].filter((part) => part !== undefined);
    if (greeting.length > 0) this.#socket.write(Buffer.concat(greeting));
  }

  #send(chunks: readonly Uint8Array[], callback: Callback): void {
    if (this.#socket.destroyed) {
      callback(new NoiseError("truncated", "the connection is closed"));
      return;
    }
    this.#sending = true;
    try {
      // The socket's buffer is the only queue: what it can't take now holds the next write back.
      const sealed = this.#writer.seal(chunks);
      this.#sentBytes += sealed.length;
      if (this.#socket.write(sealed)) callback();
      else this.#heldBack = callback;
    } catch (error) {
      callback(error as Error);
    } finally {
      this.#sending = false;
    }
  }

  /**
   * Keeps bytes that arrive inside our own write for the next turn. Only streams in memory answer that fast, but an
   * HTTP/2 session given data while it writes aborts the process (node src/node_http2.cc@v24.21.0 OnDataChunkReceived).
   */
  #postpone(chunk: Uint8Array): void {
    this.#socket.pause();
    this.#socket.unshift(chunk);
    process.nextTick(() => this.#socket.resume());
  }

  #release(error?: Error): void {
    const callback = this.#heldBack;
    this.#heldBack = undefined;
    callback?.(error);
  }

  #receive(chunk: Uint8Array): void {
    if (this.destroyed) return;
    this.#receivedBytes += chunk.length;
    try {
      let wanted = true;
      for (const plaintext of this.#reader.push(chunk)) wanted = this.#deliver(plaintext) && wanted;
      if (!wanted) this.#socket.pause();
    } catch (error) {
      this.destroy(error as Error);
    }
  }

  /** False when the reader of this stream has enough for now. */
  #deliver(plaintext: Uint8Array): boolean {
    if (!this.#early) return this.push(plaintext);
    const outcome = this.#early.push(plaintext);
    if (!outcome) return true;
    this.#early = undefined;
    this.#onEarlyPayload?.(outcome.payload);
    return outcome.rest.length === 0 || this.push(outcome.rest);
  }

  #endOfSocket(): void {
    try {
      this.#reader.end();
      this.#ended = true;
      this.push(null);
    } catch (error) {
      this.destroy(error as Error);
    }
  }

  #closeOfSocket(): void {
    if (!this.#ended) {
      this.destroy();
      return;
    }
    // What came before the end may still be unread; nothing can be written any more.
    this.#release(new NoiseError("truncated", "the connection is closed"));
    if (this.readableEnded) this.destroy();
    else this.once("end", () => this.destroy());
  }
}
