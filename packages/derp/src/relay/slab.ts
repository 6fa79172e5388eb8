import { HEADER_BYTES, KEY_BYTES, MAX_PACKET_BYTES } from "#protocol.ts";

/** Room for the largest frame a relay writes, and for a good many small ones. */
export const SLAB_BYTES = HEADER_BYTES + KEY_BYTES + MAX_PACKET_BYTES;
/** Slabs kept for the next burst: about 8 MiB. */
const KEPT_SLABS = 128;

/** Buffers that outgoing frames are gathered in. An idle connection holds none. */
export class SlabPool {
  readonly #free: Buffer[] = [];

  take(): Buffer {
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(SLAB_BYTES);
  }

  give(slab: Buffer): void {
    if (this.#free.length < KEPT_SLABS) this.#free.push(slab);
  }
}
