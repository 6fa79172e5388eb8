import { fc, test as property } from "@fast-check/vitest";
import { PrivateKey } from "@headscale/tailcfg/keys";
import { chacha20poly1305 } from "@noble/ciphers/chacha.js";
import { x25519 } from "@noble/curves/ed25519.js";
import { blake2s as nobleBlake2s } from "@noble/hashes/blake2.js";
import { hkdf } from "@noble/hashes/hkdf.js";
import { describe, expect, test } from "vitest";
import { blake2s, cipherKey, DhPrivate, DhPublic, hkdf2, open, sealInto } from "./crypto.ts";
import { maxPlaintextBytes } from "./protocol.ts";

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const plain = (data: Uint8Array) => Uint8Array.from(data);

function seal(key: Uint8Array, nonce: Uint8Array, plaintext: Uint8Array, ad?: Uint8Array): Uint8Array {
  const target = new Uint8Array(plaintext.length + 16);
  sealInto(target, cipherKey(key), nonce, plaintext, ad);
  return target;
}

describe("the primitives", () => {
  property.prop([fc.array(fc.uint8Array({ maxLength: 200 }), { minLength: 1, maxLength: 3 })])(
    "hash as @noble/hashes does",
    (parts) => {
      expect(plain(blake2s(...parts))).toEqual(nobleBlake2s(Buffer.concat(parts)));
    },
  );

  property.prop([bytes(32), fc.uint8Array({ maxLength: 64 })])("derive keys as @noble/hashes does", (salt, input) => {
    const expected = hkdf(nobleBlake2s, input, salt, undefined, 64);
    expect(hkdf2(salt, input).map(plain)).toEqual([expected.slice(0, 32), expected.slice(32)]);
  });

  property.prop([bytes(32), bytes(32)], { numRuns: 8 })("agree on the secret @noble/curves computes", (a, b) => {
    const key = new PrivateKey(a);
    const theirs = x25519.getPublicKey(b);
    expect(plain(DhPrivate.of(key).publicBytes)).toEqual(x25519.getPublicKey(a));
    expect(plain(DhPrivate.of(key).agree(new DhPublic(theirs)))).toEqual(x25519.getSharedSecret(a, theirs));
  });

  test("give every generated key another public half that both sides agree with", () => {
    const [a, b] = [DhPrivate.generate(), DhPrivate.generate()];
    expect(a.publicBytes).not.toEqual(b.publicBytes);
    expect(a.agree(new DhPublic(b.publicBytes))).toEqual(b.agree(new DhPublic(a.publicBytes)));
  });

  // RFC 7748 §6.1; the points of order 1, 2, 4 and 8 of curve25519 and their non-canonical spellings.
  test.for([
    { says: "the zero point", hex: "00".repeat(32) },
    { says: "the point of order one", hex: `01${"00".repeat(31)}` },
    { says: "a point of order eight", hex: "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800" },
    { says: "another of order eight", hex: "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157" },
    { says: "p − 1", hex: `ec${"ff".repeat(30)}7f` },
    { says: "p, an alias of zero", hex: `ed${"ff".repeat(30)}7f` },
    { says: "p + 1, an alias of one", hex: `ee${"ff".repeat(30)}7f` },
  ])("refuse to agree with $says", ({ hex }) => {
    const peer = new DhPublic(Buffer.from(hex, "hex"));
    expect(() => DhPrivate.generate().agree(peer)).toThrow(expect.objectContaining({ code: "zero-shared-secret" }));
  });
});

describe("sealInto and open", () => {
  const length = fc.oneof(fc.integer({ min: 0, max: maxPlaintextBytes }), fc.constantFrom(0, 1, maxPlaintextBytes));

  property.prop([bytes(32), bytes(12), length.chain(bytes), fc.option(bytes(32), { nil: undefined })])(
    "make the bytes @noble/ciphers makes",
    (key, nonce, plaintext, ad) => {
      const sealed = seal(key, nonce, plaintext, ad);
      expect(plain(sealed)).toEqual(chacha20poly1305(key, nonce, ad).encrypt(plaintext));
      expect(plain(open(cipherKey(key), nonce, sealed, ad))).toEqual(plaintext);
    },
  );

  test.for([0, 5, maxPlaintextBytes])("seal %i bytes where they already lie", (size) => {
    const [key, nonce] = [new Uint8Array(32).fill(7), new Uint8Array(12).fill(9)];
    const plaintext = new Uint8Array(size).map((_, index) => index);
    const target = new Uint8Array(size + 16);
    target.set(plaintext);
    sealInto(target, cipherKey(key), nonce, target.subarray(0, size));
    expect(target).toEqual(seal(key, nonce, plaintext));
  });

  test.for([5, maxPlaintextBytes])("refuse %i altered bytes", (size) => {
    const [key, nonce] = [new Uint8Array(32).fill(7), new Uint8Array(12).fill(9)];
    const sealed = seal(key, nonce, new Uint8Array(size));
    for (const at of [0, size - 1, size, size + 15]) {
      const altered = Uint8Array.from(sealed);
      altered[at] = (altered[at] ?? 0) ^ 1;
      expect(() => open(cipherKey(key), nonce, altered)).toThrow(expect.objectContaining({ code: "bad-tag" }));
    }
    expect(() => open(cipherKey(key), nonce, sealed.subarray(1))).toThrow(expect.objectContaining({ code: "bad-tag" }));
    expect(() => open(cipherKey(key), nonce, new Uint8Array(15))).toThrow(expect.objectContaining({ code: "bad-tag" }));
  });
});
