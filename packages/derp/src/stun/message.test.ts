import { crc32 } from "node:zlib";
import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import { hex } from "#testing/hex.ts";
import { bindingRequest } from "./binding-request.fixture.ts";
import { bindingResponse, parseBindingRequest } from "./message.ts";

// Made with tailscale net/stun/stun.go@de9ec7ee.
const TRANSACTION = hex("0102030405060708090a0b0c");
const REQUEST = hex("000100142112a4420102030405060708090a0b0c802200087461696c6e6f646580280004b32c370f");
const V4_RESPONSE = "0101000c2112a4420102030405060708090a0b0c00200008000183bbea12d545";
const V6_RESPONSE = "010100182112a4420102030405060708090a0b0c00200014000283bb0113a9fa0102030405060708090a0b0d";

/** `body` behind a request's header, and a FINGERPRINT that fits unless another is given. */
function signed(body: string, fingerprint?: string): Buffer {
  const start = Buffer.concat([REQUEST.subarray(0, 20), hex(body)]);
  const crc = Buffer.alloc(4);
  crc.writeUInt32BE((crc32(start) ^ 0x5354554e) >>> 0);
  return Buffer.concat([start, fingerprint === undefined ? Buffer.concat([hex("80280004"), crc]) : hex(fingerprint)]);
}
const SOFTWARE = "802200087461696c6e6f6465";

describe("parseBindingRequest", () => {
  test("knows the request that clients send", () => {
    expect(bindingRequest(TRANSACTION)).toEqual(REQUEST);
    expect(parseBindingRequest(REQUEST)).toEqual(TRANSACTION);
  });

  test.for([
    { says: "with attributes of a later release between", bytes: signed(`${SOFTWARE} 80990003 61626300`) },
    { says: "with SOFTWARE not in the first place", bytes: signed(`80990000 ${SOFTWARE}`) },
    { says: "with two names, one of them right", bytes: signed(`8022000161000000 ${SOFTWARE}`) },
    {
      says: "whose length field is wrong, which upstream does not check",
      bytes: (() => {
        const bytes = Buffer.concat([REQUEST.subarray(0, 2), hex("ffff"), REQUEST.subarray(4, 32)]);
        const crc = Buffer.alloc(4);
        crc.writeUInt32BE((crc32(bytes) ^ 0x5354554e) >>> 0);
        return Buffer.concat([bytes, hex("80280004"), crc]);
      })(),
    },
  ])("takes one $says", ({ bytes }) => {
    expect(parseBindingRequest(bytes)).toEqual(TRANSACTION);
  });

  test.for([
    { says: "of another program", bytes: signed("8022000874616c6c6e6f6465") },
    { says: "of a program with a longer name", bytes: signed("802200097461696c6e6f646573000000") },
    { says: "of no program", bytes: signed("") },
    { says: "without fingerprint", bytes: Buffer.concat([REQUEST.subarray(0, 20), hex(SOFTWARE)]) },
    { says: "with a wrong fingerprint", bytes: signed(SOFTWARE, "8028000400000000") },
    { says: "with a fingerprint of two bytes", bytes: signed(SOFTWARE, "80280002b32c0000") },
    { says: "with the fingerprint not last", bytes: Buffer.concat([REQUEST, hex("80990000")]) },
    { says: "with the fingerprint of the whole datagram", bytes: signed(SOFTWARE, "80280004deadbeef") },
    { says: "with an attribute that overruns the datagram", bytes: signed(`${SOFTWARE} 8099ffff`) },
    { says: "with half an attribute header", bytes: Buffer.concat([REQUEST, hex("8099")]) },
    { says: "with padding missing", bytes: Buffer.concat([REQUEST, hex("8099000161")]) },
    {
      says: "with another cookie",
      bytes: Buffer.concat([REQUEST.subarray(0, 4), hex("2112a443"), REQUEST.subarray(8)]),
    },
    { says: "with the high bits set", bytes: Buffer.concat([hex("c001"), REQUEST.subarray(2)]) },
    { says: "that is a response", bytes: hex(V4_RESPONSE) },
    { says: "that is an indication", bytes: Buffer.concat([hex("0011"), REQUEST.subarray(2)]) },
  ])("is silent about one $says", ({ bytes }) => {
    expect(parseBindingRequest(bytes)).toBeUndefined();
  });

  test("is silent about every datagram that is too short or has a bit wrong", () => {
    for (let length = 0; length < REQUEST.length; length++)
      expect(parseBindingRequest(REQUEST.subarray(0, length))).toBeUndefined();
    for (let at = 0; at < REQUEST.length; at++) {
      const changed = Buffer.from(REQUEST);
      changed[at] = (changed[at] ?? 0) ^ 0x10;
      expect(parseBindingRequest(changed), `byte ${at}`).toBeUndefined();
    }
  });

  property.prop([fc.uint8Array({ maxLength: 100 })])("is silent about noise", (noise) => {
    expect(parseBindingRequest(Buffer.from(noise))).toBeUndefined();
    expect(parseBindingRequest(Buffer.concat([REQUEST.subarray(0, 20), noise]))).toBeUndefined();
  });

  property.prop([fc.uint8Array({ minLength: 12, maxLength: 12 })])("finds any transaction id", (id) => {
    expect(parseBindingRequest(bindingRequest(id))).toEqual(Buffer.from(id));
  });
});

describe("bindingResponse", () => {
  test.for([
    { says: "IPv4", address: "cb007107", is: V4_RESPONSE },
    { says: "IPv6", address: "20010db8000000000000000000000001", is: V6_RESPONSE },
  ])("is Go's for $says", ({ address, is }) => {
    expect(bindingResponse(TRANSACTION, hex(address), 41_641).toString("hex")).toBe(is);
  });

  property.prop([
    fc.uint8Array({ minLength: 12, maxLength: 12 }),
    fc.oneof(fc.uint8Array({ minLength: 4, maxLength: 4 }), fc.uint8Array({ minLength: 16, maxLength: 16 })),
    fc.oneof(fc.constantFrom(254, 257), fc.nat({ max: 65_535 })),
  ])("gives address and port back to who knows cookie and transaction", (id, address, port) => {
    const response = bindingResponse(id, address, port);
    const mask = Buffer.concat([hex("2112a442"), id]);
    expect(response.subarray(8, 20)).toEqual(Buffer.from(id));
    expect(response.readUInt16BE(26) ^ 0x2112).toBe(port);
    expect(response.subarray(28).map((byte, i) => byte ^ (mask[i] ?? 0))).toEqual(Buffer.from(address));
    expect(response.readUInt16BE(2)).toBe(response.length - 20);
  });
});
