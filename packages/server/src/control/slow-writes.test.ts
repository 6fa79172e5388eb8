import { Writable } from "node:stream";
import { describe, expect, test } from "vitest";
import { SlowReaderError, writeWithin } from "./slow-writes.ts";

const never = new AbortController().signal;
const bytes = (length: number, fill: number) => new Uint8Array(length).fill(fill);

describe("writeWithin", () => {
  test.for([
    { says: "many small pieces", lengths: [5, 1, 70, 0, 3] },
    { says: "small and large ones", lengths: [10, 65_536, 10, 200_000, 65_537, 1] },
    { says: "nothing", lengths: [] },
  ])("writes $says as they are, at most 64 KiB at a time", async ({ lengths }) => {
    const written: Buffer[] = [];
    const stream = new Writable({
      write(chunk: Buffer, _encoding, done) {
        written.push(chunk);
        setImmediate(done);
      },
    });
    const pieces = lengths.map(bytes);
    await writeWithin(stream, pieces, 10_000, never);
    stream.end();
    await new Promise((resolve) => stream.once("close", resolve));
    expect(Buffer.concat(written).equals(Buffer.concat(pieces))).toBe(true);
    expect(Math.max(0, ...written.map(({ length }) => length))).toBeLessThanOrEqual(65_536);
  });

  test("gives up on a reader that takes nothing, having handed it no more than one piece", async () => {
    let handed = 0;
    const stuck = new Writable({
      write(chunk: Buffer) {
        handed += chunk.length;
      },
    });
    await expect(writeWithin(stuck, [bytes(1 << 20, 1)], 20, never)).rejects.toThrow(SlowReaderError);
    expect(handed).toBe(65_536);
  });

  test("stops when it is told to", async () => {
    const stop = new AbortController();
    const stuck = new Writable({ write: () => stop.abort() });
    await expect(writeWithin(stuck, [bytes(1 << 20, 1)], 10_000, stop.signal)).rejects.toMatchObject({
      name: "AbortError",
    });
  });
});
