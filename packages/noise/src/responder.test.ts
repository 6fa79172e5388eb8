import { fc, test as property } from "@fast-check/vitest";
import { MachineKey, PrivateKey } from "@headscale/tailcfg/keys";
import { describe, expect, test } from "vitest";
import vector from "../../../test/vectors/noise/ts2021-v145.json" with { type: "json" };
import { Initiator } from "./initiator.ts";
import { publicMachineKey } from "./machine-key.ts";
import { respondHandshake } from "./responder.ts";

const hex = (text: string) => new Uint8Array(Buffer.from(text, "hex"));
const toHex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
const staticKey = new PrivateKey(hex(vector.serverStatic.private));
const ephemeral = new PrivateKey(hex(vector.serverEphemeral.private));
const initiation = hex(vector.initiation);

describe("respondHandshake", () => {
  test("answers the vector's initiation with the vector's response", () => {
    const accepted = respondHandshake({ staticKey, initiation, ephemeral });
    expect(toHex(accepted.response)).toBe(vector.response);
    expect(accepted.machineKey).toBe(`mkey:${vector.machineStatic.public}`);
    expect(accepted.version).toBe(vector.version);
    expect(toHex(accepted.session.handshakeHash)).toBe(vector.handshakeHash);
  });

  test("leaves both sides with the keys of the vector", () => {
    const { writer, reader } = respondHandshake({ staticKey, initiation, ephemeral }).session.takeRecords();
    for (const record of vector.records.filter(({ from, number }) => from === "server" && number < 2)) {
      expect(toHex(writer.seal([hex(record.plaintext)]))).toBe(record.frame);
    }
    const [fromClient] = vector.records.filter(({ from }) => from === "client");
    expect(reader.push(hex(fromClient?.frame ?? "")).map(toHex)).toEqual([fromClient?.plaintext]);
  });

  test("makes a fresh ephemeral key each time it is given none", () => {
    const [one, two] = [respondHandshake({ staticKey, initiation }), respondHandshake({ staticKey, initiation })];
    expect(one.response).not.toEqual(two.response);
    expect(one.session.handshakeHash).not.toEqual(two.session.handshakeHash);
  });

  property.prop([fc.integer({ min: 0, max: 0xffff })], { numRuns: 5 })("takes any version", (version) => {
    const machineKey = new PrivateKey(hex(vector.machineStatic.private));
    const client = new Initiator({ machineKey, serverKey: publicMachineKey(staticKey), version });
    const accepted = respondHandshake({ staticKey, initiation: client.initiation });
    expect(accepted.version).toBe(version);
    expect(accepted.machineKey).toBe(publicMachineKey(machineKey));
  });

  test("hands out a session's records once", () => {
    const { session } = respondHandshake({ staticKey, initiation });
    session.takeRecords();
    expect(() => session.takeRecords()).toThrow(expect.objectContaining({ code: "finished" }));
  });

  const withByte = (at: number, value: number) => initiation.with(at, value);
  test.for([
    { says: "nothing", bytes: new Uint8Array(0), code: "bad-length" },
    { says: "one byte too few", bytes: initiation.subarray(0, 100), code: "bad-length" },
    { says: "one byte too many", bytes: Uint8Array.of(...initiation, 0), code: "bad-length" },
    { says: "a response in place of an initiation", bytes: withByte(2, 2), code: "bad-frame-type" },
    { says: "a wrong inner length", bytes: withByte(4, 0x61), code: "bad-length" },
    { says: "another version than the one mixed in", bytes: withByte(1, 0x92), code: "bad-tag" },
    { says: "an altered ephemeral key", bytes: withByte(5, 0x78), code: "bad-tag" },
    { says: "an altered machine key", bytes: withByte(37, 0x5b), code: "bad-tag" },
    { says: "an altered tag", bytes: withByte(100, 0), code: "bad-tag" },
    {
      says: "a zero ephemeral key",
      bytes: initiation.map((b, i) => (i < 5 || i > 36 ? b : 0)),
      code: "zero-shared-secret",
    },
  ])("refuses $says", ({ bytes, code }) => {
    expect(() => respondHandshake({ staticKey, initiation: bytes })).toThrow(expect.objectContaining({ code }));
  });

  test("refuses a client that believes in another server key", () => {
    const machineKey = new PrivateKey(hex(vector.machineStatic.private));
    const serverKey = MachineKey.parse(`mkey:${vector.machineStatic.public}`);
    const client = new Initiator({ machineKey, serverKey, version: 1 });
    const answer = () => respondHandshake({ staticKey, initiation: client.initiation });
    expect(answer).toThrow(expect.objectContaining({ code: "bad-tag" }));
  });
});
