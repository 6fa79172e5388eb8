import { fc, test as property } from "@fast-check/vitest";
import { PrivateKey } from "@headscale/tailcfg/keys";
import { hsalsa, xsalsa20poly1305 } from "@noble/ciphers/salsa.js";
import { x25519 } from "@noble/curves/ed25519.js";
import { describe, expect, test } from "vitest";
import { hex } from "#testing/hex.ts";
import { BoxIdentity } from "./nacl-box.ts";

// Made with Go's golang.org/x/crypto/nacl/box, and reproduced with tweetnacl.
const server = new BoxIdentity(new PrivateKey(hex("0002030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f60")));
const client = new BoxIdentity(new PrivateKey(hex("4042434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f60")));
const CLIENT_INFO = `808182838485868788898a8b8c8d8e8f9091929394959697
  fa729a1425ff782e8912aaf092423a55a0dbfc2e43e308cae5993c0f03876e005694c738d753b2839724c7656a92f4a9`;
const SERVER_INFO = `a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7
  4e4f3e360f5dfbf335029a77d49e4efe7dfbbfe74feceee2842379ac8e`;

describe("BoxIdentity", () => {
  test("has the public key that Go computes", () => {
    expect(server.publicKey.toString("hex")).toBe("07a37cbc142093c8b755dc1b10e86cb426374ad16aa853ed0bdfc0b2b86d1c7c");
    expect(client.publicKey.toString("hex")).toBe("64b101b1d0be5a8704bd078f9895001fc03e8e9f9522f188dd128d9846d48466");
  });

  test.for([
    {
      says: "ClientInfo",
      from: client,
      to: server,
      sealed: hex(CLIENT_INFO),
      plain: '{"version":2,"CanAckPings":true}',
    },
    { says: "ServerInfo", from: server, to: client, sealed: hex(SERVER_INFO), plain: '{"version":2}' },
  ])("seals and opens Go's $says", ({ from, to, sealed, plain }) => {
    expect(to.boxWith(from.publicKey).open(sealed)?.toString()).toBe(plain);
    expect(from.boxWith(to.publicKey).seal(Buffer.from(plain), sealed.subarray(0, 24))).toEqual(sealed);
  });

  test("opens nothing that lost or changed a bit", () => {
    const sealed = hex(SERVER_INFO);
    const box = client.boxWith(server.publicKey);
    for (let end = 0; end < sealed.length; end++) expect(box.open(sealed.subarray(0, end))).toBeUndefined();
    for (let at = 0; at < sealed.length; at++) {
      const changed = Buffer.from(sealed);
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(box.open(changed)).toBeUndefined();
    }
  });

  // RFC 7748 section 6.1 and https://cr.yp.to/ecdh.html#validate: points whose agreement is all zeros.
  test.for([
    { says: "the zero key", key: "00".repeat(32) },
    { says: "one", key: `01${"00".repeat(31)}` },
    { says: "a point of order eight", key: "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800" },
    { says: "the other point of order eight", key: "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157" },
    { says: "p - 1", key: `ec${"ff".repeat(30)}7f` },
    { says: "p", key: `ed${"ff".repeat(30)}7f` },
    { says: "p + 1", key: `ee${"ff".repeat(30)}7f` },
    { says: "a key of 31 bytes", key: "22".repeat(31) },
    { says: "no key", key: "" },
  ])("refuses $says", ({ key }) => {
    expect(() => server.boxWith(hex(key))).toThrow(expect.objectContaining({ code: "bad-key" }));
  });

  property.prop([fc.uint8Array({ minLength: 32, maxLength: 32 }), fc.uint8Array({ maxLength: 300 })])(
    "agrees with a box built of noble's X25519 and Salsa20",
    (seed, plain) => {
      const key = new PrivateKey(seed);
      const mine = new BoxIdentity(key);
      const sealed = mine.boxWith(server.publicKey).seal(plain);
      const words = new Uint32Array(x25519.getSharedSecret(key.reveal(), server.publicKey).slice().buffer);
      const subkey = new Uint32Array(8);
      const sigma = new Uint32Array(new TextEncoder().encode("expand 32-byte k").slice().buffer);
      hsalsa(sigma, words, new Uint32Array(4), subkey);
      const opened = xsalsa20poly1305(new Uint8Array(subkey.buffer), sealed.subarray(0, 24)).decrypt(
        sealed.subarray(24),
      );
      expect(Buffer.from(opened)).toEqual(Buffer.from(plain));
      expect(server.boxWith(mine.publicKey).open(sealed)).toEqual(Buffer.from(plain));
    },
  );
});
