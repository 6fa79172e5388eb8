import type { Duplex } from "node:stream";
import { setImmediate as turn } from "node:timers/promises";

export interface Frame {
  readonly type: number;
  readonly payload: Buffer;
}

/** The slow, obvious way to cut bytes into frames: the oracle of the fast one. `rest` is what is no whole frame. */
export function cutFrames(bytes: Buffer): { frames: Frame[]; rest: Buffer } {
  const frames: Frame[] = [];
  let rest = bytes;
  while (rest.length >= 5 && rest.length >= 5 + rest.readUInt32BE(1)) {
    const end = 5 + rest.readUInt32BE(1);
    frames.push({ type: rest.readUInt8(0), payload: rest.subarray(5, end) });
    rest = rest.subarray(end);
  }
  return { frames, rest };
}

/** The raw end of a connection, for tests that look at bytes. */
export class Wire {
  readonly socket: Duplex;
  received: Buffer = Buffer.alloc(0);
  ended = false;

  constructor(socket: Duplex) {
    this.socket = socket;
    socket.on("error", () => {});
    socket.on("close", () => {
      this.ended = true;
    });
    socket.on("end", () => {
      this.ended = true;
    });
  }

  /** Begins to read; before, the other side finds its buffers full. */
  read(): this {
    this.socket.on("data", (chunk: Buffer) => {
      this.received = Buffer.concat([this.received, chunk]);
    });
    return this;
  }

  get frames(): Frame[] {
    return cutFrames(this.received).frames;
  }

  /** The first `count` frames. */
  async awaitFrames(count: number): Promise<Frame[]> {
    await until(() => this.frames.length >= count || this.ended);
    return this.frames;
  }

  async awaitEnd(): Promise<void> {
    await until(() => this.ended);
  }
}

/** Lets the event loop turn until `condition` holds; the test's own time limit ends a wait for what never comes. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await turn();
}
