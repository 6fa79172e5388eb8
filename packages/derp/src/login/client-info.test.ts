import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import { BoxIdentity } from "#box/nacl-box.ts";
import { privateKey } from "#testing/relay-fixture.ts";
import { openClientInfo, sealClientInfo } from "./client-info.ts";
import { MeshKey } from "./mesh-key.ts";

const client = new BoxIdentity(privateKey(2));
const server = new BoxIdentity(privateKey(3));
const box = client.boxWith(server.publicKey);
const open = (json: string) => openClientInfo(server.boxWith(client.publicKey), box.seal(Buffer.from(json)));
const DIGITS = "0123456789abcdef".repeat(4);
const nobody = { version: 0, canAckPings: false, isProber: false, appName: "" };

describe("openClientInfo", () => {
  test.for([
    { says: "an empty object", json: "{}", is: {} },
    { says: "null, which Go takes for an empty object", json: "null", is: {} },
    { says: "what clients send", json: '{"version":2,"CanAckPings":true}', is: { version: 2, canAckPings: true } },
    {
      says: "names in lower case",
      json: '{"canackpings":true,"isprober":true}',
      is: { canAckPings: true, isProber: true },
    },
    {
      says: "names in upper case",
      json: '{"VERSION":3,"APPNAME":"derpprobe"}',
      is: { version: 3, appName: "derpprobe" },
    },
    { says: "null fields", json: '{"version":null,"CanAckPings":null}', is: {} },
    { says: "fields of a later release", json: '{"version":2,"Colour":{"r":1}}', is: { version: 2 } },
  ])("reads $says", ({ json, is }) => {
    expect(open(json)).toEqual({ ...nobody, ...is });
  });

  test.for([
    { says: "text that is no JSON", json: "{" },
    { says: "an empty text", json: "" },
    { says: "an array", json: "[]" },
    { says: "a string", json: '"x"' },
    { says: "a version that is no number", json: '{"version":"2"}' },
    { says: "a version that is no integer", json: '{"version":2.5}' },
    { says: "a flag that is no boolean", json: '{"CanAckPings":1}' },
    { says: "an app name that is no text", json: '{"AppName":7}' },
    { says: "an app name of 33 characters", json: JSON.stringify({ AppName: "a".repeat(33) }) },
    { says: "an app name with a line feed", json: '{"AppName":"a\\nb"}' },
    { says: "an empty mesh key", json: '{"meshKey":""}' },
    { says: "a mesh key that is null", json: '{"meshKey":null}' },
    { says: "a mesh key of 63 digits", json: JSON.stringify({ meshKey: DIGITS.slice(1) }) },
    { says: "a mesh key of 65 digits", json: JSON.stringify({ meshKey: `${DIGITS}0` }) },
    { says: "a mesh key with white space", json: JSON.stringify({ meshKey: ` ${DIGITS.slice(1)}` }) },
    { says: "a mesh key that is not hexadecimal", json: JSON.stringify({ meshKey: `g${DIGITS.slice(1)}` }) },
    { says: "a mesh key that is a number", json: '{"meshKey":5}' },
  ])("refuses $says", ({ json }) => {
    expect(() => open(json)).toThrow(expect.objectContaining({ code: "bad-login" }));
  });

  test.for([0, 23, 24, 39, 40])("refuses %d bytes that are no box", (length) => {
    const opener = server.boxWith(client.publicKey);
    expect(() => openClientInfo(opener, Buffer.alloc(length))).toThrow(expect.objectContaining({ code: "bad-login" }));
  });

  test("takes a mesh key in either case", () => {
    const key = MeshKey.parse(DIGITS) as MeshKey;
    expect(open(JSON.stringify({ meshKey: DIGITS.toUpperCase() })).meshKey?.equals(key)).toBe(true);
  });

  property.prop([fc.json()])("reads or refuses any JSON, and does nothing else", (json) => {
    try {
      expect(open(json)).toMatchObject({ version: expect.any(Number), canAckPings: expect.any(Boolean) });
    } catch (error) {
      expect(error).toMatchObject({ code: "bad-login" });
    }
  });
});

describe("sealClientInfo", () => {
  property.prop([
    fc.record({
      version: fc.nat(),
      canAckPings: fc.boolean(),
      isProber: fc.boolean(),
      appName: fc.stringMatching(/^[a-z]{0,32}$/),
    }),
  ])("is read back as it was", (info) => {
    expect(openClientInfo(server.boxWith(client.publicKey), sealClientInfo(box, info))).toEqual(info);
  });

  test("is what clients send, to the byte", () => {
    const sealed = sealClientInfo(box, { canAckPings: true });
    expect(server.boxWith(client.publicKey).open(sealed)?.toString()).toBe('{"version":2,"CanAckPings":true}');
  });
});
