import { describe, expect, test } from "vitest";
import { RecordNonce } from "./record-nonce.ts";

describe("RecordNonce", () => {
  test.for([
    { at: 0, hex: "000000000000000000000000" },
    { at: 1, hex: "000000000000000000000001" },
    { at: 256, hex: "000000000000000000000100" },
    { at: 0xffff_ffff, hex: "0000000000000000ffffffff" },
    { at: 0x1_0000_0000, hex: "000000000000000100000000" },
    { at: 2 ** 53 - 2, hex: "00000000001ffffffffffffe" },
  ])("counts big-endian: record $at", ({ at, hex }) => {
    expect(Buffer.from(new RecordNonce(at).advance()).toString("hex")).toBe(hex);
  });

  test("never repeats: it refuses where whole numbers end", () => {
    const nonce = new RecordNonce(2 ** 53 - 2);
    nonce.advance();
    expect(() => nonce.advance()).toThrow(expect.objectContaining({ code: "nonces-exhausted" }));
    expect(() => nonce.advance()).toThrow(expect.objectContaining({ code: "nonces-exhausted" }));
  });
});
