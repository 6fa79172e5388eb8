import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import { cutFrames, type Frame } from "#testing/frames.ts";
import { frameOf } from "./frame-bytes.ts";
import { FrameReader, type FrameSink, type HeaderVerdict } from "./frame-reader.ts";

/** Keeps frames; passes over type 0x7f; asks to wait once before each frame of type 0x60. */
class Sink implements FrameSink {
  readonly frames: Frame[] = [];
  readonly headers: [number, number][] = [];
  waits = 0;
  #waited = false;

  header(type: number, length: number): HeaderVerdict {
    if (length > 1_000_000) throw new RangeError("too long");
    if (type === 0x60 && !this.#waited) {
      this.#waited = true;
      this.waits += 1;
      return "wait";
    }
    this.#waited = false;
    this.headers.push([type, length]);
    return type === 0x7f ? "skip" : "take";
  }

  frame(type: number, bytes: Buffer, start: number, end: number): void {
    this.frames.push({ type, payload: Buffer.from(bytes.subarray(start, end)) });
  }
}

const stream = Buffer.concat([
  frameOf(0x04, Buffer.alloc(37, 1)),
  frameOf(0x06),
  frameOf(0x7f, Buffer.alloc(11, 2)),
  frameOf(0x7f),
  frameOf(0x12, Buffer.from("01020304")),
]);
const taken = cutFrames(stream).frames.filter(({ type }) => type !== 0x7f);

describe("FrameReader", () => {
  test.for([1_024, 0, 0xffffffff])("reads a header of length %d as unsigned", (length) => {
    const header = Buffer.alloc(5);
    header.writeUInt32BE(length, 1);
    const seen: number[] = [];
    const sink: FrameSink = {
      header: (_, got) => {
        seen.push(got);
        return "skip";
      },
      frame: () => {},
    };
    new FrameReader(sink).push(header);
    expect(seen).toEqual([length]);
  });

  test("reads the same frames wherever the stream is cut in two", () => {
    for (let at = 0; at <= stream.length; at++) {
      const sink = new Sink();
      const reader = new FrameReader(sink);
      reader.push(stream.subarray(0, at));
      reader.push(stream.subarray(at));
      expect(sink.frames, `cut at ${at}`).toEqual(taken);
    }
  });

  test("reads the same frames one byte at a time, and keeps nothing in the end", () => {
    const sink = new Sink();
    const reader = new FrameReader(sink);
    for (let i = 0; i < stream.length; i++) reader.push(stream.subarray(i, i + 1));
    expect(sink.frames).toEqual(taken);
    expect(reader.heldBytes).toBe(0);
  });

  test("judges a length before it spends memory on it", () => {
    const reader = new FrameReader(new Sink());
    expect(() => reader.push(Buffer.from("04ffffffff00", "hex"))).toThrow(RangeError);
    expect(reader.heldBytes).toBe(0);
  });

  test("keeps no byte of a frame it passes over, however it comes", () => {
    const reader = new FrameReader(new Sink());
    const long = frameOf(0x7f, Buffer.alloc(50_000));
    for (let at = 0; at < long.length; at += 1_000) {
      reader.push(long.subarray(at, at + 1_000));
      expect(reader.heldBytes).toBe(0);
    }
  });

  test("holds everything behind a frame that must wait, and goes on with it", () => {
    const sink = new Sink();
    const reader = new FrameReader(sink);
    reader.push(Buffer.concat([frameOf(0x06), frameOf(0x60, Buffer.of(9)), frameOf(0x06)]));
    reader.push(frameOf(0x13));
    expect(sink.frames.map(({ type }) => type)).toEqual([0x06]);
    reader.resume();
    expect(sink.frames.map(({ type }) => type)).toEqual([0x06, 0x60, 0x06, 0x13]);
    expect(sink.waits).toBe(1);
  });

  property.prop([
    fc.array(
      fc.record({
        type: fc.constantFrom(0x04, 0x06, 0x12, 0x60, 0x7f, 0xff),
        payload: fc.uint8Array({ maxLength: 80 }),
      }),
      { maxLength: 12 },
    ),
    fc.array(fc.nat({ max: 700 }), { maxLength: 12 }),
  ])("agrees with the obvious way on any frames in any chunks", (frames, cuts) => {
    const bytes = Buffer.concat(frames.map(({ type, payload }) => frameOf(type, payload)));
    const sink = new Sink();
    const reader = new FrameReader(sink);
    const places = [0, ...cuts.map((cut) => Math.min(cut, bytes.length)).sort((a, b) => a - b), bytes.length];
    for (const [i, place] of places.entries()) {
      reader.push(bytes.subarray(place, places[i + 1] ?? bytes.length));
      for (let seen = -1; seen !== sink.waits; reader.resume()) seen = sink.waits;
    }
    const expected = cutFrames(bytes).frames;
    expect(sink.frames).toEqual(expected.filter(({ type }) => type !== 0x7f));
    expect(sink.headers).toEqual(expected.map(({ type, payload }) => [type, payload.length]));
    expect(reader.heldBytes).toBe(0);
  });
});
