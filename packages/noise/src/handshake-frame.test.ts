import { describe, expect, test } from "vitest";
import vector from "../../../test/vectors/noise/ts2021-v145.json" with { type: "json" };
import {
  decodeInitiation,
  decodeResponse,
  encodeErrorFrame,
  encodeInitiation,
  encodeResponse,
} from "./handshake-frame.ts";

const hex = (text: string) => new Uint8Array(Buffer.from(text, "hex"));

describe("handshake frames", () => {
  test("come out of their parts as they were", () => {
    const [initiation, response] = [hex(vector.initiation), hex(vector.response)];
    expect(decodeInitiation(initiation).version).toBe(vector.version);
    expect(encodeInitiation(decodeInitiation(initiation))).toEqual(initiation);
    expect(encodeResponse(decodeResponse(response))).toEqual(response);
  });

  test("are refused at every other length", () => {
    for (let length = 0; length < 101; length++) {
      const cut = () => decodeInitiation(hex(vector.initiation).subarray(0, length));
      expect(cut).toThrow(expect.objectContaining({ code: "bad-length" }));
      const other = () => decodeResponse(new Uint8Array(length === 51 ? 52 : length).fill(2));
      expect(other).toThrow(expect.objectContaining({ code: "bad-length" }));
    }
  });
});

describe("encodeErrorFrame", () => {
  test("writes type, length and text", () => {
    expect(Buffer.from(encodeErrorFrame("no"))).toEqual(Buffer.from("0300026e6f", "hex"));
  });

  test("cuts a text that its length could not say", () => {
    expect(encodeErrorFrame("x".repeat(70_000)).length).toBe(3 + 65_535);
  });
});
