import { describe, expect, test } from "vitest";
import { SLAB_BYTES } from "#relay/slab.ts";
import { pass, stopTime } from "#testing/fake-time.ts";
import { until } from "#testing/frames.ts";
import { discoPacket, RelayFixture, type TestClient } from "#testing/relay-fixture.ts";
import { DEFAULT_LIMITS } from "./limits.ts";

/** Four writes under way, a slab that fills, two queues; and what lies in the readers of two senders. */
const HELD_AT_MOST = 5 * SLAB_BYTES + 2 * DEFAULT_LIMITS.queueBytes + 2 * 65_573;
const KIBIBYTE = 1_024;

async function setup(limits = {}) {
  const fixture = new RelayFixture({ limits });
  const [sender, frozen, lively] = [await fixture.join(), await fixture.join(), await fixture.join()];
  frozen.socket.pause();
  let sent = 0;
  /** Numbered packets of a kibibyte to the frozen client. */
  const flood = async (count: number) => {
    for (let i = 0; i < count; i++) {
      const packet = Buffer.alloc(KIBIBYTE);
      packet.writeUInt32BE(sent++);
      sender.send(frozen.publicKey, packet);
      if (sent % 32 === 0) await sender.settle();
    }
    await sender.settle();
  };
  return { fixture, sender, frozen, lively, flood };
}

const numbers = (client: TestClient) => client.of("packet").map(({ packet }) => packet.readUInt32BE(0));

describe("a client that does not read", () => {
  test("holds up nobody else, costs bounded memory, and later gets the oldest that had left and the newest 32", async () => {
    const { fixture, sender, frozen, lively, flood } = await setup({ writeTimeoutMs: 0 });
    for (let round = 0; round < 20; round++) {
      await flood(100);
      sender.send(lively.publicKey, Buffer.from(`round ${round}`));
      expect(fixture.relay.stats().heldBytes).toBeLessThan(HELD_AT_MOST);
    }
    await lively.awaitCount("packet", 20);
    expect(fixture.relay.stats().queuedPackets).toBe(32);
    frozen.socket.resume();
    await until(() => numbers(frozen).at(-1) === 1_999);
    const got = numbers(frozen);
    const gap = got.findIndex((number, i) => number !== i);
    expect(got.slice(gap)).toEqual(Array.from({ length: 32 }, (_, i) => 2_000 - 32 + i));
    const dropped = 2_000 - gap - 32;
    expect(fixture.relay.stats().drops.queue_head).toEqual({
      disco: { packets: 0, bytes: 0 },
      other: { packets: dropped, bytes: dropped * KIBIBYTE },
    });
  });

  test("gets its path discovery through a flood of data", async () => {
    const { sender, frozen, flood } = await setup({ writeTimeoutMs: 0 });
    await flood(600);
    sender.send(frozen.publicKey, discoPacket(100));
    await flood(600);
    frozen.socket.resume();
    await until(() => numbers(frozen).at(-1) === 1_199);
    expect(frozen.of("packet").filter(({ packet }) => packet.equals(discoPacket(100)))).toHaveLength(1);
  });

  test("keeps at most one pong waiting, however much it pings", async () => {
    const { fixture, frozen, flood } = await setup({ writeTimeoutMs: 0 });
    await flood(600);
    for (let i = 0; i < 500; i++) frozen.ping(Buffer.alloc(8, i));
    await until(() => fixture.relay.stats().pingsReceived >= 500);
    const before = frozen.of("pong").length;
    frozen.socket.resume();
    await frozen.settle();
    expect(frozen.of("pong").length - before).toBeLessThan(60);
    expect(fixture.relay.stats().heldBytes).toBeLessThan(HELD_AT_MOST);
  });

  test("is cut two seconds after its buffers filled, and what was queued counts as lost", async () => {
    stopTime();
    const { fixture, frozen, flood } = await setup();
    await flood(64);
    await flood(1_000);
    expect(fixture.relay.stats().queuedPackets).toBe(32);
    await pass(1_999);
    expect(frozen.over).toBe(false);
    await pass(8_001);
    frozen.socket.resume();
    await until(() => frozen.over);
    await fixture.awaitConnections(2);
    expect(fixture.relay.stats().writeTimeouts).toBe(1);
    expect(fixture.relay.stats().drops.gone_disconnected.other).toEqual({ packets: 32, bytes: 32 * KIBIBYTE });
    expect(fixture.events.at(-1)?.error?.code).toBe("too-slow");
  });

  test("is not cut while it takes a little now and then", async () => {
    stopTime();
    const { fixture, frozen, flood } = await setup();
    for (let second = 0; second < 30; second++) {
      await flood(64);
      await pass(1_000);
      frozen.socket.resume();
      await frozen.awaitCount("packet", frozen.of("packet").length + 1);
      frozen.socket.pause();
    }
    expect(frozen.over).toBe(false);
    expect(fixture.relay.stats().writeTimeouts).toBe(0);
  });
});
