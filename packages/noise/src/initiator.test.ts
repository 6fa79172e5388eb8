import { MachineKey, PrivateKey } from "@headscale/tailcfg/keys";
import { describe, expect, test } from "vitest";
import vector from "../../../test/vectors/noise/ts2021-v145.json" with { type: "json" };
import { encodeErrorFrame } from "./handshake-frame.ts";
import { Initiator } from "./initiator.ts";

const hex = (text: string) => new Uint8Array(Buffer.from(text, "hex"));
const toHex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
const initiator = (version = vector.version) =>
  new Initiator({
    machineKey: new PrivateKey(hex(vector.machineStatic.private)),
    serverKey: MachineKey.parse(`mkey:${vector.serverStatic.public}`),
    ephemeral: new PrivateKey(hex(vector.machineEphemeral.private)),
    version,
  });

describe("Initiator", () => {
  test("opens with the vector's initiation", () => {
    expect(toHex(initiator().initiation)).toBe(vector.initiation);
  });

  test("finishes with the vector's response, wherever it is cut, and gives back what follows it", () => {
    const bytes = hex(vector.response + vector.records[1]?.frame);
    for (let cut = 0; cut <= bytes.length; cut++) {
      const client = initiator();
      const first = client.push(bytes.subarray(0, cut));
      expect(first === undefined).toBe(cut < 51);
      const done = first ?? client.push(bytes.subarray(cut));
      expect(toHex(done?.session.handshakeHash ?? hex(""))).toBe(vector.handshakeHash);
      const records = done?.session.takeRecords();
      const rest = first ? [first.rest, bytes.subarray(cut)] : [done?.rest ?? hex("")];
      expect(rest.flatMap((chunk) => records?.reader.push(chunk) ?? []).map(toHex)).toEqual(["ffffff5453"]);
    }
  });

  test("reports the text of a server that refuses, byte by byte", () => {
    const client = initiator();
    const feed = () => {
      for (const byte of encodeErrorFrame('go "away"')) client.push(Uint8Array.of(byte));
    };
    expect(feed).toThrow(
      expect.objectContaining({ code: "refused", message: expect.stringContaining('"go \\"away\\""') }),
    );
  });

  test.for([
    { says: "an HTTP answer", bytes: Buffer.from("HTTP/1.1 400"), code: "bad-frame-type" },
    { says: "a first byte of another type", bytes: hex("04"), code: "bad-frame-type" },
    { says: "a response of another length", bytes: hex("020031"), code: "bad-length" },
    { says: "a tag that does not fit", bytes: hex(vector.response).with(50, 0), code: "bad-tag" },
    { says: "a zero ephemeral key", bytes: hex(`020030${"00".repeat(48)}`), code: "zero-shared-secret" },
  ])("refuses $says and is finished", ({ bytes, code }) => {
    const client = initiator();
    expect(() => client.push(bytes)).toThrow(expect.objectContaining({ code }));
    expect(() => client.push(hex(vector.response))).toThrow(expect.objectContaining({ code: "finished" }));
  });

  test("takes no bytes after the response", () => {
    const client = initiator();
    client.push(hex(vector.response));
    expect(() => client.push(hex(vector.response))).toThrow(expect.objectContaining({ code: "finished" }));
  });

  test.for([-1, 1.5, 65536])("can't claim version %d", (version) => {
    expect(() => initiator(version)).toThrow(expect.objectContaining({ code: "bad-version" }));
  });

  test("refuses a server key of low order", () => {
    const machineKey = new PrivateKey(hex(vector.machineStatic.private));
    const make = () => new Initiator({ machineKey, serverKey: MachineKey.zero, version: 1 });
    expect(make).toThrow(expect.objectContaining({ code: "zero-shared-secret" }));
  });
});
