import { KeyFormatError, parsePrefixedHex } from "./public-key.ts";

const inspect = Symbol.for("nodejs.util.inspect.custom");

/** A Curve25519 private key (`privkey:` + 64 hex digits in files) that never prints itself. Source: tailscale types/key/machine.go@de9ec7ee. */
export class PrivateKey {
  readonly #bytes: Uint8Array;

  /** Takes 32 bytes and clamps a copy of them. @throws {KeyFormatError} */
  constructor(bytes: Uint8Array) {
    if (bytes.length !== 32) throw new KeyFormatError("bad-length", "privkey");
    const own = Uint8Array.from(bytes);
    own[0] = (own[0] ?? 0) & 248;
    own[31] = ((own[31] ?? 0) & 127) | 64;
    this.#bytes = own;
  }

  /** @throws {KeyFormatError} unless `text` (white space around it allowed) is `privkey:` + 64 hex digits. */
  static parse(text: string): PrivateKey {
    return new PrivateKey(Buffer.from(parsePrefixedHex("privkey", text.trim()), "hex"));
  }

  /** A copy of the 32 clamped bytes, for the code that does the arithmetic. */
  reveal(): Uint8Array {
    return Uint8Array.from(this.#bytes);
  }

  /** The text form kept in key files. */
  toFileText(): string {
    return `privkey:${Buffer.from(this.#bytes).toString("hex")}`;
  }

  toString(): string {
    return "privkey:[redacted]";
  }

  toJSON(): string {
    return this.toString();
  }

  [inspect](): string {
    return this.toString();
  }
}
