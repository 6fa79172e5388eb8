import { createPrivateKey, createPublicKey, diffieHellman, type KeyObject, randomBytes } from "node:crypto";
import type { PrivateKey } from "@headscale/tailcfg/keys";
import { hsalsa, xsalsa20poly1305 } from "@noble/ciphers/salsa.js";
import { DerpError } from "#derp-error.ts";
import { KEY_BYTES, NONCE_BYTES } from "#protocol.ts";

/** DER in front of a raw X25519 key. RFC 8410 sections 4 and 7. */
const PUBLIC_PREFIX = Buffer.from("302a300506032b656e032100", "hex");
const PRIVATE_PREFIX = Buffer.from("302e020100300506032b656e04220420", "hex");
/** "expand 32-byte k": the Salsa20 constants for 32-byte keys, little endian words. */
const SIGMA = Uint32Array.of(0x61707865, 0x3320646e, 0x79622d32, 0x6b206574);

/** NaCl `crypto_box` between two fixed keys, precomputed: a nonce of 24 bytes, then the 16-byte tag and the ciphertext. */
export interface NaclBox {
  seal(plain: Uint8Array, nonce?: Uint8Array): Buffer;
  /** Undefined unless the other key's holder sealed exactly this. */
  open(sealed: Uint8Array): Buffer | undefined;
}

/** A Curve25519 key pair that can make boxes with others' public keys. */
export class BoxIdentity {
  readonly #privateKey: KeyObject;
  readonly publicKey: Buffer;

  constructor(privateKey: PrivateKey) {
    this.#privateKey = createPrivateKey({
      key: Buffer.concat([PRIVATE_PREFIX, privateKey.reveal()]),
      format: "der",
      type: "pkcs8",
    });
    this.publicKey = createPublicKey(this.#privateKey)
      .export({ format: "der", type: "spki" })
      .subarray(PUBLIC_PREFIX.length);
  }

  /** One X25519. @throws {DerpError} `bad-key` for the zero key and the low-order points, whose box everybody could open. */
  boxWith(publicKey: Uint8Array): NaclBox {
    const key = boxKey(this.#agree(publicKey));
    return {
      seal: (plain, nonce = randomBytes(NONCE_BYTES)) =>
        Buffer.concat([nonce, xsalsa20poly1305(key, nonce).encrypt(plain)]),
      open: (sealed) => {
        if (sealed.length < NONCE_BYTES) return undefined;
        try {
          return Buffer.from(
            xsalsa20poly1305(key, sealed.subarray(0, NONCE_BYTES)).decrypt(sealed.subarray(NONCE_BYTES)),
          );
        } catch {
          return undefined;
        }
      },
    };
  }

  /** Native, as it is an order of magnitude faster than any in JavaScript, and logins come in storms. */
  #agree(publicKey: Uint8Array): Buffer {
    if (publicKey.length !== KEY_BYTES) throw new DerpError("bad-key", "a public key has 32 bytes");
    try {
      const other = createPublicKey({ key: Buffer.concat([PUBLIC_PREFIX, publicKey]), format: "der", type: "spki" });
      return diffieHellman({ privateKey: this.#privateKey, publicKey: other });
    } catch (cause) {
      throw new DerpError("bad-key", "no key agreement with a low-order public key", { cause });
    }
  }
}

/** HSalsa20 of the agreed point under a zero nonce. Bernstein, "Cryptography in NaCl", section 8. */
function boxKey(agreed: Buffer): Uint8Array {
  const out = new Uint32Array(8);
  const words = Uint32Array.from({ length: 8 }, (_, i) => agreed.readUInt32LE(4 * i));
  hsalsa(SIGMA, words, new Uint32Array(4), out);
  const key = Buffer.alloc(KEY_BYTES);
  out.forEach((word, i) => {
    key.writeUInt32LE(word, 4 * i);
  });
  return new Uint8Array(key);
}
