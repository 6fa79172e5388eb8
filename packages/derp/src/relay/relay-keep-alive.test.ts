import { describe, expect, test } from "vitest";
import { pass, stopTime } from "#testing/fake-time.ts";
import { until } from "#testing/frames.ts";
import { RelayFixture } from "#testing/relay-fixture.ts";

describe("a silent connection", () => {
  test("gets a keep-alive every 60 to 65 seconds, and lives", async () => {
    stopTime();
    const client = await new RelayFixture().join();
    const times = [0];
    for (let second = 1; second <= 330; second++) {
      await pass(1_000);
      await client.settle();
      if (client.of("keep-alive").length === times.length) times.push(second);
    }
    const gaps = times.slice(1).map((time, i) => time - (times[i] ?? 0));
    expect(gaps).toHaveLength(5);
    for (const gap of gaps) expect([60, 61, 62, 63, 64, 65]).toContain(gap);
    expect(client.over).toBe(false);
  });

  test("gets it however busy it is", async () => {
    stopTime();
    const client = await new RelayFixture().join();
    for (let second = 0; second < 65; second++) {
      await client.settle();
      await pass(1_000);
    }
    await client.awaitCount("keep-alive", 1);
  });

  test("of a client that answers pings gets a ping instead, and stays as long as it answers", async () => {
    stopTime();
    const fixture = new RelayFixture();
    const client = await fixture.join({ canAckPings: true });
    for (let count = 1; count <= 4; count++) {
      await pass(65_000);
      await client.awaitCount("ping", count);
      await client.settle();
    }
    expect(client.over).toBe(false);
    expect(client.of("keep-alive")).toEqual([]);
    expect(fixture.relay.stats().silentClientsCut).toBe(0);
  });

  test("of a client that said it answers pings and does not is cut", async () => {
    stopTime();
    const fixture = new RelayFixture();
    const client = await fixture.join({ canAckPings: true });
    client.socket.pause();
    await pass(65_000);
    expect(client.over).toBe(false);
    await pass(30_000);
    await fixture.awaitConnections(0);
    client.socket.resume();
    await until(() => client.over);
    expect(fixture.relay.stats().silentClientsCut).toBe(1);
  });

  test("differs from another in when it is woken", async () => {
    stopTime();
    const fixture = new RelayFixture();
    const clients = await Promise.all(Array.from({ length: 40 }, () => fixture.join()));
    const seen = new Set<number>();
    await pass(60_000);
    for (let step = 0; step < 50; step++) {
      for (const client of clients) await client.settle();
      seen.add(clients.filter((client) => client.of("keep-alive").length > 0).length);
      await pass(100);
    }
    expect(seen.size).toBeGreaterThan(5);
  });
});
