import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import { MapFrameReader } from "./map-frame-reader.ts";

function frames(chunks: readonly Uint8Array[], options?: ConstructorParameters<typeof MapFrameReader>[0]) {
  const reader = new MapFrameReader(options);
  const read: (string | number)[] = [];
  for (const chunk of chunks) reader.push(chunk, (bytes, frame) => read.push(frame?.toString() ?? bytes));
  return { read, reader };
}

const framed = (...texts: readonly string[]) =>
  Buffer.concat(
    texts.flatMap((text) => {
      const length = Buffer.alloc(4);
      length.writeUInt32LE(text.length);
      return [length, Buffer.from(text)];
    }),
  );

describe("MapFrameReader", () => {
  const stream = framed("one", "", "three");

  test("reads messages cut at every byte", () => {
    for (let cut = 0; cut <= stream.length; cut++) {
      expect(frames([stream.subarray(0, cut), stream.subarray(cut)]).read).toEqual(["one", "", "three"]);
    }
  });

  test("measures messages without keeping them", () => {
    expect(
      frames(
        [...stream].map((byte) => Uint8Array.of(byte)),
        { keep: false },
      ).read,
    ).toEqual([3, 0, 5]);
  });

  property.prop([fc.array(fc.string({ maxLength: 40, unit: "binary-ascii" })), fc.integer({ min: 1, max: 50 })])(
    "reads any messages in pieces of any size",
    (texts, size) => {
      const all = framed(...texts);
      const chunks = Array.from({ length: Math.ceil(all.length / size) }, (_, i) =>
        all.subarray(i * size, (i + 1) * size),
      );
      expect(frames(chunks).read).toEqual(texts);
    },
  );

  test("refuses a message over its limit by its length alone", () => {
    expect(() => frames([framed("four")], { maxBytes: 3 })).toThrow(
      expect.objectContaining({ code: "frame-too-long" }),
    );
    // Big-endian by mistake: 3 becomes 50,331,648.
    expect(() => frames([Buffer.from("00000003", "hex")], { maxBytes: 1 << 20 })).toThrow(/50331648/);
  });

  test.for([1, 4, 6])("tells an end after %i bytes of a message", (length) => {
    const { reader } = frames([stream.subarray(0, length)]);
    expect(() => reader.end()).toThrow(expect.objectContaining({ code: "unexpected-eof" }));
  });

  test("ends well between messages", () => {
    const { reader } = frames([stream]);
    expect(() => reader.end()).not.toThrow();
  });
});
