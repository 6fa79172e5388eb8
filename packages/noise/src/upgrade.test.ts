import { describe, expect, test } from "vitest";
import vector from "../../../test/vectors/noise/ts2021-v145.json" with { type: "json" };
import { decodeHandshakeHeader, encodeHandshakeHeader, switchingProtocols } from "./upgrade.ts";

describe("the handshake header", () => {
  test("is the initiation in base64, both ways", () => {
    const initiation = Buffer.from(vector.initiation, "hex");
    expect(encodeHandshakeHeader(initiation)).toBe(vector.handshakeHeader);
    expect(Buffer.from(decodeHandshakeHeader(vector.handshakeHeader))).toEqual(initiation);
  });

  test.for([
    { says: "nothing", text: "" },
    { says: "a header without its padding", text: vector.handshakeHeader.slice(0, -1) },
    { says: "100 bytes", text: Buffer.alloc(100).toString("base64") },
    { says: "102 bytes", text: Buffer.alloc(102).toString("base64") },
    { says: "one wrong character", text: `-${vector.handshakeHeader.slice(1)}` },
    { says: "white space", text: `${vector.handshakeHeader.slice(1)} ` },
    { says: "padding in the middle", text: `${"A".repeat(67)}=${"A".repeat(67)}=` },
  ])("refuses $says", ({ text }) => {
    expect(() => decodeHandshakeHeader(text)).toThrow(expect.objectContaining({ code: "bad-handshake-header" }));
  });
});

describe("switchingProtocols", () => {
  test("is a whole HTTP/1.1 answer head", () => {
    expect(switchingProtocols).toBe(
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: tailscale-control-protocol\r\nConnection: upgrade\r\n\r\n",
    );
  });
});
