import { timingSafeEqual } from "node:crypto";

/** The pre-shared secret of a region's relays: 32 bytes that never print themselves. Source: tailscale types/key/derp.go@de9ec7ee. */
export class MeshKey {
  readonly #bytes: Buffer;

  private constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** Undefined unless `text` is 64 hex digits; white space around them is allowed. */
  static parse(text: string): MeshKey | undefined {
    const digits = text.trim();
    return /^[0-9a-fA-F]{64}$/.test(digits) ? new MeshKey(Buffer.from(digits, "hex")) : undefined;
  }

  /** All zeros is how "no mesh key" looks; it opens nothing. */
  get isZero(): boolean {
    return this.#bytes.every((byte) => byte === 0);
  }

  /** In constant time (tailscale TS-2025-003). */
  equals(other: MeshKey): boolean {
    return timingSafeEqual(this.#bytes, other.#bytes);
  }

  /** The 64 digits, for the ClientInfo of a mesh member. */
  reveal(): string {
    return this.#bytes.toString("hex");
  }

  toString(): string {
    return "[mesh key]";
  }

  toJSON(): string {
    return this.toString();
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.toString();
  }
}
