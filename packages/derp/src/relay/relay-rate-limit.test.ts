import { describe, expect, test } from "vitest";
import { MeshKey } from "#login/mesh-key.ts";
import { pass, stopTime } from "#testing/fake-time.ts";
import { until } from "#testing/frames.ts";
import { RelayFixture } from "#testing/relay-fixture.ts";

const meshKey = MeshKey.parse("5".repeat(64)) as MeshKey;
const RATE = { bytesPerSecond: 32_784, burstBytes: 0 }; // the burst is raised to 65,568: two seconds' worth
const BIG = Buffer.alloc(32_784 - 32);

async function setup(rateLimit?: typeof RATE) {
  stopTime();
  const fixture = new RelayFixture({ meshKey, limits: rateLimit ? { rateLimit } : {} });
  return { fixture, sender: await fixture.join(), receiver: await fixture.join() };
}

describe("a rate limit", () => {
  test("is told to clients at login, with a burst", async () => {
    const { sender, fixture } = await setup(RATE);
    expect(await sender.ready).toEqual({
      version: 2,
      tokenBucketBytesPerSecond: 32_784,
      tokenBucketBytesBurst: 65_568,
    });
    expect(await (await fixture.join({ meshKey })).ready).toEqual({ version: 2 });
  });

  test("lets the first burst through and makes the next packet wait, dropping nothing", async () => {
    const { fixture, sender, receiver } = await setup(RATE);
    for (let i = 0; i < 4; i++) sender.send(receiver.publicKey, BIG);
    await receiver.awaitCount("packet", 2);
    await receiver.settle();
    expect(receiver.of("packet")).toHaveLength(2);
    await pass(999);
    await receiver.settle();
    expect(receiver.of("packet")).toHaveLength(2);
    await pass(1);
    await receiver.awaitCount("packet", 3);
    await pass(1_000);
    await receiver.awaitCount("packet", 4);
    expect(fixture.relay.stats().rateLimitWaits).toBe(2);
  });

  test("holds up only whom it is for", async () => {
    const { fixture, sender, receiver } = await setup(RATE);
    for (let i = 0; i < 9; i++) sender.send(receiver.publicKey, BIG);
    const other = await fixture.join();
    other.send(receiver.publicKey, Buffer.from("light"));
    await until(() => receiver.packets.some(([from]) => from === other.publicKey));
    expect(receiver.packets.filter(([from]) => from === sender.publicKey)).toHaveLength(2);
  });

  test("leaves nothing behind when a client is cut while it waits", async () => {
    const { fixture, sender, receiver } = await setup(RATE);
    for (let i = 0; i < 9; i++) sender.send(receiver.publicKey, BIG);
    await receiver.awaitCount("packet", 2);
    fixture.relay.disconnect(sender.publicKey);
    await fixture.awaitConnections(1);
    await pass(60_000);
    await receiver.settle();
    expect(fixture.relay.stats()).toMatchObject({ connections: 1, heldBytes: 0 });
  });

  test("does not hold for mesh members", async () => {
    const { fixture, receiver } = await setup(RATE);
    const member = await fixture.join({ meshKey });
    for (let i = 0; i < 9; i++) member.send(receiver.publicKey, BIG);
    await receiver.awaitCount("packet", 9);
    expect(fixture.relay.stats().rateLimitWaits).toBe(0);
  });

  test("can come, change and go while clients are connected", async () => {
    const { fixture, sender, receiver } = await setup();
    for (let i = 0; i < 5; i++) sender.send(receiver.publicKey, BIG);
    await receiver.awaitCount("packet", 5);
    fixture.relay.setRateLimit(RATE);
    for (let i = 0; i < 5; i++) sender.send(receiver.publicKey, BIG);
    await receiver.awaitCount("packet", 7);
    await receiver.settle();
    expect(receiver.of("packet")).toHaveLength(7);
    fixture.relay.setRateLimit(undefined);
    await receiver.awaitCount("packet", 10);
    expect((await (await fixture.join()).ready).tokenBucketBytesPerSecond).toBeUndefined();
  });
});
