import type { CipherKey } from "./crypto.ts";
import { NoiseError } from "./noise-error.ts";
import { RecordReader } from "./record-reader.ts";
import { RecordWriter } from "./record-writer.ts";

/** The two halves of a connection's record layer. */
export interface Records {
  readonly reader: RecordReader;
  readonly writer: RecordWriter;
}

/** A finished handshake: who agreed, and the record layer that follows. */
export class NoiseSession {
  /** Capability version the client named and both sides mixed in. */
  readonly version: number;
  /** 32 bytes that name this handshake on both sides (channel binding). */
  readonly handshakeHash: Uint8Array;
  #records: Records | undefined;

  constructor(version: number, handshakeHash: Uint8Array, sendKey: CipherKey, receiveKey: CipherKey) {
    this.version = version;
    this.handshakeHash = handshakeHash;
    this.#records = { reader: new RecordReader(receiveKey), writer: new RecordWriter(sendKey) };
  }

  /**
   * Hands out the record layer, once: two writers with one key would repeat nonces.
   * @throws {NoiseError} `finished` the second time
   */
  takeRecords(): Records {
    const records = this.#records;
    if (!records) throw new NoiseError("finished", "the session's records are in use already");
    this.#records = undefined;
    return records;
  }
}
