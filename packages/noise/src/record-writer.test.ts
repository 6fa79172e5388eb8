import { describe, expect, test } from "vitest";
import vector from "../../../test/vectors/noise/ts2021-v145.json" with { type: "json" };
import { cipherKey } from "./crypto.ts";
import { maxPlaintextBytes } from "./protocol.ts";
import { RecordWriter } from "./record-writer.ts";

const hex = (text: string) => new Uint8Array(Buffer.from(text, "hex"));
const keyOf = { client: cipherKey(hex(vector.clientToServerKey)), server: cipherKey(hex(vector.serverToClientKey)) };

describe("RecordWriter", () => {
  test.for(vector.records)("seals the vector's record $number from the $from", ({ from, number, plaintext, frame }) => {
    const writer = new RecordWriter(keyOf[from as keyof typeof keyOf]);
    for (let skip = 0; skip < number; skip++) writer.seal([Uint8Array.of(0)]);
    expect(Buffer.from(writer.seal([hex(plaintext)])).toString("hex")).toBe(frame);
  });

  test.for([
    { length: 0, frames: [] },
    { length: 1, frames: [20] },
    { length: maxPlaintextBytes, frames: [4096] },
    { length: maxPlaintextBytes + 1, frames: [4096, 20] },
    { length: 10_000, frames: [4096, 4096, 1865] },
  ])("cuts $length bytes into records of $frames bytes", ({ length, frames }) => {
    const batch = Buffer.from(new RecordWriter(keyOf.server).seal([new Uint8Array(length)]));
    const lengths: number[] = [];
    for (let at = 0; at < batch.length; at += lengths.at(-1) ?? 0) {
      expect(batch[at]).toBe(4);
      lengths.push(3 + batch.readUInt16BE(at + 1));
    }
    expect(lengths).toEqual(frames);
  });

  test("makes the same batch of one chunk and of its pieces", () => {
    const whole = new Uint8Array(9_000).map((_, index) => index * 7);
    const pieces = [whole.subarray(0, 9), whole.subarray(9, 9), whole.subarray(9, 8_000), whole.subarray(8_000)];
    expect(new RecordWriter(keyOf.client).seal(pieces)).toEqual(new RecordWriter(keyOf.client).seal([whole]));
    expect(whole).toEqual(new Uint8Array(9_000).map((_, index) => index * 7));
  });
});
