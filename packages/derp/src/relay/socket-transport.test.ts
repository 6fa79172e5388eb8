import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { until } from "#testing/frames.ts";
import { socketTransport } from "./socket-transport.ts";

const opened: { destroy(): void }[] = [];

afterEach(() => {
  for (const socket of opened.splice(0)) socket.destroy();
});

/** Both ends of a TCP connection over loopback. */
async function tcpPair(): Promise<{ near: Socket; far: Socket }> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const accepted = once(server, "connection");
  const far = connect((server.address() as AddressInfo).port, "127.0.0.1");
  const [near] = (await accepted) as [Socket];
  server.close();
  opened.push(near, far);
  return { near, far };
}

/** `count` bytes that tell their own place. */
function numbered(count: number): Buffer {
  return Buffer.from(Array.from({ length: count }, (_, i) => (i * 7 + (i >> 8)) & 255));
}

describe("socketTransport", () => {
  test("delivers every byte in order, however often the relay stops and goes on reading", async () => {
    const { near, far } = await tcpPair();
    const transport = socketTransport(near, 600_000);
    const chunks: Buffer[] = [];
    let bytes = 0;
    transport.open(
      (chunk) => {
        chunks.push(Buffer.from(chunk));
        bytes += chunk.length;
        transport.pause();
        setImmediate(() => transport.resume());
      },
      () => {},
    );
    const sent = numbered(3_000_000);
    for (let at = 0; at < sent.length; at += 10_007) far.write(sent.subarray(at, at + 10_007));
    await until(() => bytes === sent.length);
    expect(Buffer.concat(chunks).equals(sent)).toBe(true);
  });

  test("takes no more than a little from the network while it is paused", async () => {
    const { near, far } = await tcpPair();
    const transport = socketTransport(near, 600_000);
    let bytes = 0;
    transport.open(
      (chunk) => {
        bytes += chunk.length;
      },
      () => {},
    );
    far.write("a");
    await until(() => bytes === 1);
    transport.pause();
    far.write(Buffer.alloc(16_000_000));
    await until(() => near.readableLength >= near.readableHighWaterMark);
    expect(bytes).toBe(1);
    expect(near.readableLength).toBeLessThanOrEqual(near.readableHighWaterMark + 65_536);
    transport.resume();
    await until(() => bytes === 16_000_001);
  });

  test.for([
    { says: "that the other side ended", end: (far: Socket) => far.end("x") },
    { says: "that the other side vanished", end: (far: Socket) => far.resetAndDestroy() },
  ])("says once $says", async ({ end }) => {
    const { near, far } = await tcpPair();
    let ends = 0;
    socketTransport(near, 600_000).open(
      () => {},
      () => {
        ends += 1;
      },
    );
    end(far);
    await until(() => ends > 0 && near.closed);
    expect(ends).toBe(1);
  });
});
