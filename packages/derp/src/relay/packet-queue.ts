/** FIFO of whole frames with two bounds; a newcomer pushes out the oldest. Source of the policy: tailscale derpserver.go sendPkt@de9ec7ee. */
export class PacketQueue {
  readonly #depth: number;
  readonly #maxBytes: number;
  readonly #ring: (Buffer | undefined)[] = [];
  #first = 0;
  #count = 0;
  #bytes = 0;

  /** `depth` frames at most and `maxBytes` of them, but never fewer than one frame. */
  constructor(depth: number, maxBytes: number) {
    this.#depth = depth;
    this.#maxBytes = maxBytes;
  }

  get length(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** `onDrop` gets each frame pushed out. */
  push(frame: Buffer, onDrop: (frame: Buffer) => void): void {
    while (this.#count > 0 && (this.#count >= this.#depth || this.#bytes + frame.length > this.#maxBytes))
      onDrop(this.shift() as Buffer);
    this.#ring[(this.#first + this.#count) % this.#depth] = frame;
    this.#count += 1;
    this.#bytes += frame.length;
  }

  peek(): Buffer | undefined {
    return this.#count === 0 ? undefined : this.#ring[this.#first];
  }

  shift(): Buffer | undefined {
    const frame = this.peek();
    if (frame === undefined) return undefined;
    this.#ring[this.#first] = undefined;
    this.#first = (this.#first + 1) % this.#depth;
    this.#count -= 1;
    this.#bytes -= frame.length;
    return frame;
  }
}
