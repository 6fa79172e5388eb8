import { constants, zstdCompressSync } from "node:zlib";
import { keepAliveText } from "@headscale/tailcfg/codec";
import { describe, expect, test } from "vitest";
import { decodeMapMessage } from "./map-message.ts";
import { unzstd } from "./zstd-frames.ts";

const sized = (text: string) => zstdCompressSync(text);
const unsized = (text: string) => zstdCompressSync(text, { params: { [constants.ZSTD_c_contentSizeFlag]: 0 } });
const skippable = Buffer.from("502a4d1803000000616263", "hex");

describe("unzstd", () => {
  test("joins frames, and skips those meant to be skipped", () => {
    const joined = Buffer.concat([skippable, unsized("one "), unsized("two "), skippable, unsized("three")]);
    expect(unzstd(joined)).toEqual({ bytes: Buffer.from("one two three"), frames: 3, sized: false });
  });

  test("sees a content size", () => {
    expect(unzstd(sized("one"))).toMatchObject({ frames: 1, sized: true });
  });

  test.for([
    { says: "plain JSON", bytes: Buffer.from('{"KeepAlive":true}') },
    { says: "gzip", bytes: Buffer.from("1f8b0800", "hex") },
    { says: "three bytes", bytes: Buffer.from("28b52f", "hex") },
    { says: "a frame cut short", bytes: sized("hello hello hello").subarray(0, 12) },
    { says: "a whole frame and a piece of one", bytes: Buffer.concat([sized("x"), sized("y").subarray(0, 6)]) },
  ])("refuses $says", ({ bytes }) => {
    expect(() => unzstd(bytes)).toThrow(expect.objectContaining({ code: "bad-zstd" }));
  });
});

describe("decodeMapMessage", () => {
  test("reads a message made of several frames", () => {
    const message = Buffer.concat([unsized('{"Domain":"exa'), unsized('mple.test"}')]);
    expect(decodeMapMessage(message)).toEqual({ Domain: "example.test" });
  });

  test("reads our keep-alive, stored or compressed", () => {
    const stored = Buffer.from("28b52ffd00589900007b224b656570416c697665223a74727565207d", "hex");
    expect(decodeMapMessage(stored)).toEqual({ KeepAlive: true });
    expect(decodeMapMessage(sized(keepAliveText))).toEqual({ KeepAlive: true });
  });

  test.for([
    { says: "the keep-alive that loses messages", bytes: sized('{"KeepAlive":true}'), code: "trap" },
    { says: "joined frames with content sizes", bytes: Buffer.concat([sized("{"), sized("}")]), code: "trap" },
    { says: "half a message", bytes: sized('{"Node":'), code: "bad-json" },
  ])("complains of $says", ({ bytes, code }) => {
    expect(() => decodeMapMessage(bytes)).toThrow(expect.objectContaining({ code }));
  });
});
