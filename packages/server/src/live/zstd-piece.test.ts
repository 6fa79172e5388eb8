import { zstdDecompressSync } from "node:zlib";
import { fc, test } from "@fast-check/vitest";
import { describe, expect } from "vitest";
import { compressPiece } from "./zstd-piece.ts";

describe("compressPiece", () => {
  test.each([0, 1, 31, 127, 128, 129, 1023, 1024, 1025, 4096, 200_000])("gives back a text of %d bytes", (length) => {
    const text = Array.from({ length }, (_, i) => "abcdefgh{}"[(i * i) % 10]).join("");
    expect(zstdDecompressSync(compressPiece(text)).toString()).toBe(text);
  });

  test.prop([fc.string({ unit: "grapheme", maxLength: 300 })])("gives back any text", (text) => {
    expect(zstdDecompressSync(compressPiece(text)).toString()).toBe(text.toWellFormed());
  });

  test("promises no content size, so that more may follow in the same message", () => {
    for (const text of ["short", "long ".repeat(1000)]) expect((compressPiece(text)[4] ?? 0) & 0b1110_0000).toBe(0);
  });

  test("adds nine bytes to a text too short to compress", () => {
    expect(compressPiece('{"KeepAlive":true }')).toHaveLength(28);
  });
});
