import { NoiseError } from "./noise-error.ts";
import { nonceBytes } from "./protocol.ts";

/**
 * Nonces of one direction: four zero bytes and the record's number, big-endian (stock Noise counts little-endian).
 * Source: tailscale control/controlbase/conn.go@de9ec7ee nonce.
 */
export class RecordNonce {
  readonly #bytes = new Uint8Array(nonceBytes);
  readonly #view = new DataView(this.#bytes.buffer);
  #next: number;

  constructor(next = 0) {
    this.#next = next;
  }

  /**
   * The bytes for the next record, overwritten by the call after.
   * @throws {NoiseError} `nonces-exhausted` where whole numbers end, 2^53: the protocol's own end of 2^64 lies
   * beyond, and either is out of reach
   */
  advance(): Uint8Array {
    if (this.#next >= Number.MAX_SAFE_INTEGER) {
      throw new NoiseError("nonces-exhausted", "this connection has sent all the records its key allows");
    }
    this.#view.setUint32(4, Math.floor(this.#next / 0x1_0000_0000));
    this.#view.setUint32(8, this.#next % 0x1_0000_0000);
    this.#next += 1;
    return this.#bytes;
  }
}
