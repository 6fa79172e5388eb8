import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import vector from "../../../test/vectors/noise/ts2021-v145.json" with { type: "json" };
import { cipherKey, sealInto } from "./crypto.ts";
import { RecordReader } from "./record-reader.ts";
import { RecordWriter } from "./record-writer.ts";

const hex = (text: string) => new Uint8Array(Buffer.from(text, "hex"));
const key = cipherKey(hex(vector.serverToClientKey));
const serverFrames = hex(
  vector.records
    .filter(({ from, number }) => from === "server" && number < 2)
    .map(({ frame }) => frame)
    .join(""),
);

/** Cuts `bytes` at the given fractions, which may coincide. */
function cutAt(bytes: Uint8Array, fractions: readonly number[]): Uint8Array[] {
  const cuts = [0, ...fractions.map((part) => Math.round(part * bytes.length)).sort((a, b) => a - b), bytes.length];
  return cuts.slice(1).map((end, index) => bytes.subarray(cuts[index], end));
}

describe("RecordReader", () => {
  test("reads the vector's records in one piece", () => {
    const texts = new RecordReader(key)
      .push(serverFrames)
      .map((plaintext) => Buffer.from(plaintext).toString("latin1"));
    expect(texts).toEqual(["\xff\xff\xffTS", "hello"]);
  });

  test("reads them cut at every byte", () => {
    for (let cut = 0; cut <= serverFrames.length; cut++) {
      const reader = new RecordReader(key);
      const read = [...reader.push(serverFrames.subarray(0, cut)), ...reader.push(serverFrames.subarray(cut))];
      expect(Buffer.concat(read).toString("latin1")).toBe("\xff\xff\xffTShello");
      expect(reader.heldBytes).toBe(0);
    }
  });

  test("reads them one byte at a time", () => {
    const reader = new RecordReader(key);
    const read = [...serverFrames].flatMap((byte) => reader.push(Uint8Array.of(byte)));
    expect(Buffer.concat(read).toString("latin1")).toBe("\xff\xff\xffTShello");
  });

  test("leaves the received chunk as it was", () => {
    const chunk = Uint8Array.from(serverFrames);
    new RecordReader(key).push(chunk);
    expect(chunk).toEqual(serverFrames);
  });

  property.prop([
    fc.array(fc.uint8Array({ maxLength: 300, size: "max" }), { maxLength: 6 }),
    fc.integer({ min: 0, max: 12_000 }),
    fc.array(fc.float({ min: 0, max: 1, noNaN: true }), { maxLength: 8 }),
    fc.array(fc.float({ min: 0, max: 1, noNaN: true }), { maxLength: 8 }),
  ])("gives back whatever was written, however the writes and the bytes are cut", (small, bigLength, writes, cuts) => {
    const written = Buffer.concat([...small, new Uint8Array(bigLength).map((_, index) => index)]);
    const writer = new RecordWriter(key);
    const wire = Buffer.concat(cutAt(written, writes).map((chunk) => writer.seal([chunk])));
    const reader = new RecordReader(key);
    const read = cutAt(wire, cuts).flatMap((chunk) => reader.push(chunk));
    reader.end();
    expect(Buffer.concat(read).equals(written)).toBe(true);
  });

  test("ignores a record without content", () => {
    // The writer makes none, so this one is sealed by hand.
    const tag = new Uint8Array(16);
    sealInto(tag, key, new Uint8Array(12), new Uint8Array(0));
    expect(new RecordReader(key).push(Buffer.concat([hex("040010"), tag]))).toEqual([]);
  });

  test("ends a connection of nothing but such records", () => {
    const reader = new RecordReader(key);
    const empty = (n: number) => {
      const tag = new Uint8Array(16);
      const nonce = new Uint8Array(12);
      nonce[11] = n;
      sealInto(tag, key, nonce, new Uint8Array(0));
      return Buffer.concat([hex("040010"), tag]);
    };
    for (let n = 0; n < 64; n++) expect(reader.push(empty(n))).toEqual([]);
    expect(() => reader.push(empty(64))).toThrow(expect.objectContaining({ code: "too-many-empty-records" }));
  });

  test.for([
    { says: "an unknown frame type", bytes: "7f0000", code: "bad-frame-type" },
    { says: "an unknown frame type, still without a length", bytes: "7f", more: "0000", code: "bad-frame-type" },
    { says: "a handshake frame", bytes: "020030", code: "bad-frame-type" },
    { says: "a record over 4096 bytes", bytes: "040ffe", code: "record-too-long" },
    { says: "the longest length", bytes: "04ffff", code: "record-too-long" },
    { says: "a record shorter than its tag", bytes: "04000f", code: "record-too-short" },
    { says: "zeros for a record", bytes: `040010${"00".repeat(16)}`, code: "bad-tag" },
    { says: "record 1 in place of record 0", bytes: vector.records[2]?.frame ?? "", code: "bad-tag" },
  ])("refuses $says and everything after it", ({ bytes, more = "", code }) => {
    const reader = new RecordReader(key);
    expect(() => [reader.push(hex(bytes)), reader.push(hex(more))]).toThrow(expect.objectContaining({ code }));
    expect(() => reader.push(serverFrames)).toThrow(expect.objectContaining({ code: "finished" }));
  });

  test("refuses a record seen before", () => {
    const reader = new RecordReader(key);
    const first = hex(vector.records[1]?.frame ?? "");
    reader.push(first);
    expect(() => reader.push(first)).toThrow(expect.objectContaining({ code: "bad-tag" }));
  });

  test("tells an end inside a record from an end between two", () => {
    const reader = new RecordReader(key);
    reader.push(serverFrames.subarray(0, 1));
    expect(() => reader.end()).toThrow(expect.objectContaining({ code: "truncated" }));
    reader.push(serverFrames.subarray(1));
    reader.end();
    expect(reader.heldBytes).toBe(0);
  });
});
