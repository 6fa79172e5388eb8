/**
 * The primitives of Noise_IK_25519_ChaChaPoly_BLAKE2s, all from node:crypto; the tests compare each with @noble.
 *
 * Measured by test/bench/noise.ts (figures in test/bench/README.md). What makes node:crypto the faster one throughout
 * is how it is handed its keys: a cipher or an HKDF with a KeyObject instead of bytes, a public key as PEM instead of
 * DER, each costs a fifth to a half.
 */
import {
  createCipheriv,
  createDecipheriv,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  diffieHellman,
  generateKeyPairSync,
  hash,
  hkdfSync,
  type KeyObject,
} from "node:crypto";
import type { PrivateKey } from "@headscale/tailcfg/keys";
import { NoiseError } from "./noise-error.ts";
import { keyBytes, tagBytes } from "./protocol.ts";

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
  const both = new Uint8Array(hkdfSync("blake2s256", createSecretKey(input), chainingKey, "", 2 * keyBytes));
  return [both.subarray(0, keyBytes), both.subarray(keyBytes)];
}

/** The other side's Curve25519 public key, made ready for several agreements. */
export class DhPublic {
  readonly bytes: Uint8Array;
  readonly handle: KeyObject;

  /** `bytes` must be 32 long. */
  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    const der = Buffer.concat([spkiPrefix, bytes]).toString("base64");
    this.handle = createPublicKey(`-----BEGIN PUBLIC KEY-----\n${der}\n-----END PUBLIC KEY-----\n`);
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

/** A 32-byte ChaCha20 key, ready for use; it can't be printed. */
export type CipherKey = KeyObject;

export function cipherKey(bytes: Uint8Array): CipherKey {
  return createSecretKey(bytes);
}

/** Seals `plaintext` into `target`, which is 16 bytes longer and may start with it. `ad`: associated data. */
export function sealInto(
  target: Uint8Array,
  key: CipherKey,
  nonce: Uint8Array,
  plaintext: Uint8Array,
  ad?: Uint8Array,
): void {
  const cipher = createCipheriv(cipherName, key, nonce, cipherOptions);
  if (ad) cipher.setAAD(ad, { plaintextLength: plaintext.length });
  target.set(cipher.update(plaintext));
  cipher.final();
  target.set(cipher.getAuthTag(), plaintext.length);
}

/** The plaintext of `ciphertext`, which ends in its tag. @throws {NoiseError} `bad-tag` */
export function open(key: CipherKey, nonce: Uint8Array, ciphertext: Uint8Array, ad?: Uint8Array): Uint8Array {
  const length = ciphertext.length - tagBytes;
  try {
    const decipher = createDecipheriv(cipherName, key, nonce, cipherOptions);
    if (ad) decipher.setAAD(ad, { plaintextLength: length });
    decipher.setAuthTag(ciphertext.subarray(length));
    const plaintext = decipher.update(ciphertext.subarray(0, length));
    decipher.final();
    return plaintext;
  } catch (cause) {
    const message = "authentication failed: wrong key, altered bytes or lost synchronisation";
    throw new NoiseError("bad-tag", message, { cause });
  }
}
