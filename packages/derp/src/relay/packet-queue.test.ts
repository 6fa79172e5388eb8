import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import { PacketQueue } from "./packet-queue.ts";

describe("PacketQueue", () => {
  test("drops the oldest, not the newest, when it is full", () => {
    const dropped: number[] = [];
    const queue = new PacketQueue(3, 1_000);
    for (let i = 0; i < 5; i++) queue.push(Buffer.of(i), (frame) => dropped.push(frame[0] ?? -1));
    expect(dropped).toEqual([0, 1]);
    expect([queue.shift(), queue.shift(), queue.shift(), queue.shift()]).toEqual([
      Buffer.of(2),
      Buffer.of(3),
      Buffer.of(4),
      undefined,
    ]);
  });

  test("holds one packet larger than its bound of bytes, alone", () => {
    const queue = new PacketQueue(32, 100);
    for (let i = 0; i < 3; i++) queue.push(Buffer.alloc(500, i), () => {});
    expect([queue.length, queue.bytes]).toEqual([1, 500]);
    expect(queue.peek()).toEqual(Buffer.alloc(500, 2));
  });

  property.prop([
    fc.integer({ min: 1, max: 6 }),
    fc.integer({ min: 1, max: 60 }),
    fc.array(fc.option(fc.uint8Array({ maxLength: 30 })), { maxLength: 100 }),
  ])("agrees with a plain array, whatever is put in and taken out", (depth, maxBytes, steps) => {
    const queue = new PacketQueue(depth, maxBytes);
    const oracle: Buffer[] = [];
    const size = () => oracle.reduce((sum, frame) => sum + frame.length, 0);
    for (const step of steps) {
      if (step === null) expect(queue.shift()).toEqual(oracle.shift());
      else {
        const dropped: Buffer[] = [];
        const frame = Buffer.from(step);
        queue.push(frame, (old) => dropped.push(old));
        oracle.push(frame);
        const expected: Buffer[] = [];
        while (oracle.length > 1 && (oracle.length > depth || size() > maxBytes))
          expected.push(oracle.shift() as Buffer);
        expect(dropped).toEqual(expected);
      }
      expect([queue.length, queue.bytes, queue.peek()]).toEqual([oracle.length, size(), oracle[0]]);
    }
  });
});
