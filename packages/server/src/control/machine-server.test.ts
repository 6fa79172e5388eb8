import http2 from "node:http2";
import { duplexPair } from "node:stream";
import { MachineKey } from "@headscale/tailcfg/keys";
import { Hono } from "hono";
import { describe, expect, test } from "vitest";
import { MachineServer } from "./machine-server.ts";

const connection = { machineKey: MachineKey.fromBytes(new Uint8Array(32).fill(1)), version: 130, address: "192.0.2.1" };

/** A server that pings often, and clients at the other end of streams in memory. */
class Lab implements Disposable {
  readonly clients: http2.ClientHttp2Session[] = [];
  readonly server: MachineServer;

  constructor(pings: { pingIntervalMs: number; pingTimeoutMs: number }) {
    this.server = new MachineServer(new Hono(), {
      streams: 100,
      headerFields: 100,
      headerBytes: 16_384,
      requestWindowBytes: 1 << 20,
      resets: { burst: 100, perSecond: 10 },
      invalidFrames: 50,
      rejectedStreams: 50,
      ...pings,
    });
  }

  /** A connection whose other end says nothing. */
  mute() {
    const [near, far] = duplexPair();
    this.server.serve(far, connection);
    return near;
  }

  connect(): http2.ClientHttp2Session {
    const near = this.mute();
    const client = http2.connect("http://control.test", { createConnection: () => near, maxOutstandingPings: 100 });
    this.clients.push(client);
    return client;
  }

  [Symbol.dispose](): void {
    for (const client of this.clients) client.destroy();
    this.server.destroy();
  }
}

describe("MachineServer", () => {
  test("pings every connection again and again, and leaves nothing behind on those that answer", async () => {
    const warnings: string[] = [];
    const hear = (warning: Error) => warnings.push(warning.message);
    process.on("warning", hear);
    using lab = new Lab({ pingIntervalMs: 32, pingTimeoutMs: 60_000 });
    const pings = [0, 0, 0];
    for (const i of pings.keys())
      lab.connect().on("ping", () => {
        pings[i] = (pings[i] ?? 0) + 1;
      });
    // Node warns of the eleventh listener of a kind.
    await expect.poll(() => Math.min(...pings), { timeout: 20_000 }).toBeGreaterThan(12);
    expect(warnings).toEqual([]);
    process.off("warning", hear);
    expect(lab.server.connectionCount).toBe(3);
  });

  test("ends a connection that answers no ping, and no other", async () => {
    using lab = new Lab({ pingIntervalMs: 32, pingTimeoutMs: 500 });
    lab.mute();
    const alive = lab.connect();
    await expect.poll(() => lab.server.connectionCount, { timeout: 20_000 }).toBe(1);
    expect(alive.destroyed).toBe(false);
  });
});
