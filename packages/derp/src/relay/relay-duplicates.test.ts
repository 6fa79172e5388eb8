import { describe, expect, test } from "vitest";
import { until } from "#testing/frames.ts";
import { privateKey, RelayFixture, type TestClient } from "#testing/relay-fixture.ts";

const KEY = privateKey(200);
const NONE = { duplicateKeys: 0, duplicateConnections: 0 };

async function setup() {
  const fixture = new RelayFixture();
  const sender = await fixture.join();
  const clone = () => fixture.join({ privateKey: KEY });
  let count = 0;
  /** Which of `clones` gets a packet sent to their key now. */
  const receiver = async (...clones: TestClient[]) => {
    const words = `packet ${++count}`;
    sender.send((clones[0] as TestClient).publicKey, Buffer.from(words));
    await sender.settle();
    // The clones are not asked to settle: a ping would make the asker active.
    await until(() => clones.some((each) => each.packets.some(([, got]) => got === words)));
    return clones.findIndex((each) => each.packets.some(([, got]) => got === words));
  };
  return { fixture, sender, clone, receiver };
}

describe("two connections of one key", () => {
  test("both stay open, and the newest gets the packets", async () => {
    const { fixture, clone, receiver } = await setup();
    const [first, second] = [await clone(), await clone()];
    expect(await receiver(first, second)).toBe(1);
    expect([first.over, second.over]).toEqual([false, false]);
    expect(fixture.relay.stats()).toMatchObject({
      connections: 3,
      localKeys: 2,
      duplicateKeys: 1,
      duplicateConnections: 2,
    });
  });

  test.for([
    { says: "a ping", frame: Buffer.from("12000000080102030405060708", "hex") },
    { says: "an unknown frame", frame: Buffer.from("7700000000", "hex") },
    { says: "a packet to itself", frame: Buffer.from(`0400000020${"77".repeat(32)}`, "hex") },
  ])("change places when the older one sends $says", async ({ frame }) => {
    const { fixture, clone, receiver } = await setup();
    const [first, second] = [await clone(), await clone()];
    const before = fixture.relay.stats();
    first.write(frame);
    await until(() => {
      const { pingsReceived, unknownFrames, packetsReceived } = fixture.relay.stats();
      return (
        pingsReceived + unknownFrames + packetsReceived >
        before.pingsReceived + before.unknownFrames + before.packetsReceived
      );
    });
    expect(await receiver(first, second)).toBe(0);
    await second.settle();
    expect(await receiver(first, second)).toBe(1);
  });

  test("are one client again when either ends, and nobody is told that the key left", async () => {
    for (const leaver of [0, 1]) {
      const { fixture, sender, clone, receiver } = await setup();
      const clones = [await clone(), await clone()];
      for (const each of clones) {
        each.send(sender.publicKey, Buffer.from("hello"));
        await each.settle();
      }
      clones[leaver]?.close();
      await fixture.awaitConnections(2);
      expect(await receiver(clones[1 - leaver] as TestClient)).toBe(0);
      await sender.settle();
      expect(sender.of("peer-gone")).toEqual([]);
      expect(fixture.relay.stats()).toMatchObject(NONE);
      clones[1 - leaver]?.close();
      await sender.awaitCount("peer-gone", 1);
      expect(fixture.relay.stats()).toMatchObject({ ...NONE, connections: 1, localKeys: 1 });
    }
  });

  test("that overlap, as when a client reconnects before its old connection is missed, leave no trace", async () => {
    const { fixture, sender, clone } = await setup();
    const old = await clone();
    old.send(sender.publicKey, Buffer.from("hello"));
    await sender.awaitCount("packet", 1);
    const fresh = await clone();
    old.close();
    await fixture.awaitConnections(2);
    fresh.close();
    await fixture.awaitConnections(1);
    await sender.awaitCount("peer-gone", 1);
    await sender.settle();
    expect(sender.of("peer-gone")).toHaveLength(1);
    expect(fixture.relay.stats()).toMatchObject(NONE);
  });
});

describe("three connections of one key", () => {
  test("fall back to the one that spoke last when the active one ends", async () => {
    const { fixture, clone, receiver } = await setup();
    const [a, b, c] = [await clone(), await clone(), await clone()];
    await a.settle();
    await b.settle();
    await c.settle();
    await a.settle();
    expect(await receiver(a, b, c)).toBe(0);
    a.close();
    await fixture.awaitConnections(3);
    expect(await receiver(b, c)).toBe(1);
    c.close();
    await fixture.awaitConnections(2);
    expect(await receiver(b)).toBe(0);
  });
});
