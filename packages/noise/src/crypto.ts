/**
 * The primitives of Noise_IK_25519_ChaChaPoly_BLAKE2s, each from the faster of node:crypto and @noble.
 *
 * Measured by test/bench/noise.ts (figures in test/bench/README.md): node:crypto wins X25519 by forty times and
 * BLAKE2s by two; setting up one of its ciphers costs as much as @noble takes to seal 2 KiB.
 */
import {
  createCipheriv,
  createDecipheriv,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hash,
  hkdfSync,
  type KeyObject,
} from "node:crypto";
import type { PrivateKey } from "@headscale/tailcfg/keys";
import { chacha20poly1305 } from "@noble/ciphers/chacha.js";
import { NoiseError } from "./noise-error.ts";
import { keyBytes, tagBytes } from "./protocol.ts";

/** From this many bytes on node:crypto's ChaCha20-Poly1305 is the faster one. */
export const nativeCipherFromBytes = 2048;

const cipherName = "chacha20-poly1305";
const cipherOptions = { authTagLength: tagBytes } as const;

/** PKCS #8 and SubjectPublicKeyInfo of X25519 up to the 32 key bytes. RFC 8410 §7, §4 */
const pkcs8Prefix = Buffer.from("302e020100300506032b656e04220420", "hex");
const spkiPrefix = Buffer.from("302a300506032b656e032100", "hex");

/** BLAKE2s-256 of the parts, one after the other. */
export function blake2s(...parts: readonly Uint8Array[]): Uint8Array {
  return hash("blake2s256", parts.length === 1 ? (parts[0] as Uint8Array) : Buffer.concat(parts), "buffer");
}

/** HKDF with HMAC-BLAKE2s, two outputs of 32 bytes. Noise §4.3 (equal to RFC 5869 with empty info) */
export function hkdf2(chainingKey: Uint8Array, input: Uint8Array): [Uint8Array, Uint8Array] {
  const both = new Uint8Array(hkdfSync("blake2s256", input, chainingKey, "", 2 * keyBytes));
  return [both.subarray(0, keyBytes), both.subarray(keyBytes)];
}

/** The other side's Curve25519 public key, made ready for several agreements. */
export class DhPublic {
  readonly bytes: Uint8Array;
  readonly handle: KeyObject;

  /** `bytes` must be 32 long. */
  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.handle = createPublicKey({ key: Buffer.concat([spkiPrefix, bytes]), format: "der", type: "spki" });
  }
}

/** Our half of an X25519 agreement. */
export class DhPrivate {
  readonly publicBytes: Uint8Array;
  readonly #handle: KeyObject;

  private constructor(handle: KeyObject, publicHandle: KeyObject) {
    this.#handle = handle;
    // The JWK export is twenty times cheaper than the DER one.
    this.publicBytes = Buffer.from(publicHandle.export({ format: "jwk" }).x ?? "", "base64url");
  }

  /** Importing costs twice an agreement, so a long-lived key is imported once. */
  static of(key: PrivateKey): DhPrivate {
    const known = imported.get(key);
    if (known) return known;
    const secret = key.reveal();
    const handle = createPrivateKey({ key: Buffer.concat([pkcs8Prefix, secret]), format: "der", type: "pkcs8" });
    secret.fill(0);
    const fresh = new DhPrivate(handle, createPublicKey(handle));
    imported.set(key, fresh);
    return fresh;
  }

  static generate(): DhPrivate {
    const { privateKey, publicKey } = generateKeyPairSync("x25519");
    return new DhPrivate(privateKey, publicKey);
  }

  /** @throws {NoiseError} `zero-shared-secret` when `peer` is a point of low order. Noise §12.1, RFC 7748 §6.1 */
  agree(peer: DhPublic): Uint8Array {
    try {
      return diffieHellman({ privateKey: this.#handle, publicKey: peer.handle });
    } catch (cause) {
      throw new NoiseError("zero-shared-secret", "the other side's key is a point of low order", { cause });
    }
  }
}

const imported = new WeakMap<PrivateKey, DhPrivate>();

/**
 * Seals `plaintext` into `target` (16 bytes longer). `plaintext` may be the start of `target` itself.
 * `ad`: associated data.
 */
export function sealInto(
  target: Uint8Array,
  key: Uint8Array,
  nonce: Uint8Array,
  plaintext: Uint8Array,
  ad?: Uint8Array,
): void {
  if (plaintext.length < nativeCipherFromBytes) {
    chacha20poly1305(key, nonce, ad).encrypt(plaintext, target);
    return;
  }
  const cipher = createCipheriv(cipherName, key, nonce, cipherOptions);
  if (ad) cipher.setAAD(ad, { plaintextLength: plaintext.length });
  target.set(cipher.update(plaintext));
  cipher.final();
  target.set(cipher.getAuthTag(), plaintext.length);
}

/** The plaintext of `ciphertext` (which ends in the tag). @throws {NoiseError} `bad-tag` */
export function open(key: Uint8Array, nonce: Uint8Array, ciphertext: Uint8Array, ad?: Uint8Array): Uint8Array {
  try {
    const length = ciphertext.length - tagBytes;
    if (length < nativeCipherFromBytes) return chacha20poly1305(key, nonce, ad).decrypt(ciphertext);
    const decipher = createDecipheriv(cipherName, key, nonce, cipherOptions);
    if (ad) decipher.setAAD(ad, { plaintextLength: length });
    decipher.setAuthTag(ciphertext.subarray(length));
    const plaintext = decipher.update(ciphertext.subarray(0, length));
    decipher.final();
    return plaintext;
  } catch (cause) {
    throw new NoiseError("bad-tag", "authentication failed: wrong key, altered bytes or lost synchronisation", {
      cause,
    });
  }
}
