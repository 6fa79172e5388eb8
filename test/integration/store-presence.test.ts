import { parsePrefix } from "@headscale/netip";
import { openPostgresStore, type ReplicaNews, type Store } from "@headscale/store";
import type { NodeId } from "@headscale/tailnet";
import { afterAll, afterEach, beforeEach, describe, expect, test } from "vitest";
import { postgresWanted } from "../support/postgres.ts";
import { createPostgresDatabase, databaseKinds, stopPostgres } from "../support/store-matrix.ts";
import * as sample from "../support/store-samples.ts";
import { base, home, Numbering, put } from "../support/store-samples.ts";

afterAll(stopPostgres);

const [one, two] = [1, 2].map((n) => n as NodeId) as [NodeId, NodeId];
const prefix = parsePrefix("10.0.0.0/24");

test("an embedded database has no replicas", async () => {
  const sqlite = databaseKinds.find(({ kind }) => kind === "SQLite");
  await using database = await sqlite!.create();
  await using store = await database.open();
  expect(store.replicas).toBeUndefined();
});

describe.skipIf(!postgresWanted())("what replicas tell each other", () => {
  let [here, there] = [] as unknown as [Store, Store];
  beforeEach(async () => {
    const address = await createPostgresDatabase();
    here = await openPostgresStore(address);
    there = await openPostgresStore(address);
    await here.commit(new Numbering().changes(...base(), put.node(sample.node(1)), put.node(sample.node(2))));
  });
  afterEach(async () => {
    for (const store of [here, there]) await store[Symbol.asyncDispose]();
  });

  const holderOf = async (id: NodeId) => (await here.replicas!.presence([id])).get(id)?.replica;
  const write = (store: Store, id: NodeId, online: boolean, move?: "came" | "left") =>
    store.writePresence(
      new Map([[id, sample.presence(id, { online, ...(online && { connectedAt: 7 }) })]]),
      move && new Map([[id, move]]),
    );

  test("is whose lease runs, by the database's clock", async () => {
    const [a, b] = [here.replicas!, there.replicas!];
    expect(a.self).not.toBe(b.self);
    expect(await a.renew(60_000)).toEqual({ running: new Set([a.self]), lapsed: false });
    expect(await b.renew(60_000)).toEqual({ running: new Set([a.self, b.self]), lapsed: false });
    expect(await a.renew(0)).toEqual({ running: new Set([a.self, b.self]), lapsed: false });
    expect(await b.renew(60_000)).toEqual({ running: new Set([b.self]), lapsed: false });
    expect(await a.renew(60_000)).toEqual({ running: new Set([a.self, b.self]), lapsed: true });
  });

  test("is which of them a node is connected to; one that lost it cannot take it away", async () => {
    await write(here, one, true, "came");
    expect(await holderOf(one)).toBe(here.replicas!.self);
    await write(there, one, true, "came");
    await write(here, one, false, "left");
    expect(await holderOf(one)).toBe(there.replicas!.self);
    await write(here, one, true);
    expect((await here.replicas!.presence([one])).get(one)).toMatchObject({
      replica: there.replicas!.self,
      presence: { connectedAt: 7, online: false },
    });
    await write(there, one, false, "left");
    expect(await holderOf(one)).toBeUndefined();
    expect((await here.replicas!.presence([one])).get(one)?.presence).not.toHaveProperty("connectedAt");
  });

  test("frees the nodes of one whose lease has ended", async () => {
    await here.replicas!.renew(0);
    await write(here, one, true, "came");
    await write(there, two, true, "came");
    const before = Date.now();
    await there.replicas!.renew(60_000);
    await there.replicas!.renew(60_000);
    expect([await holderOf(one), await holderOf(two)]).toEqual([undefined, there.replicas!.self]);
    const freed = (await here.replicas!.presence([one])).get(one)?.presence.lastSeen;
    expect(Math.abs((freed ?? 0) - before)).toBeLessThan(60_000);
  });

  test("is which router serves a prefix: of two claims the first counts", async () => {
    const claim = (store: Store, node: NodeId | undefined, seen?: NodeId) =>
      store.replicas!.claim([{ tailnet: home, prefix, node, seen }]);
    const roles = () => there.replicas!.primaries();
    expect(await roles()).toEqual([]);
    await Promise.all([claim(here, one), claim(there, two)]);
    const [first] = await roles();
    expect([one, two]).toContain(first?.node);
    const [winner, other] = first?.node === one ? [one, two] : [two, one];
    await claim(there, other, other);
    expect(await roles()).toEqual([{ tailnet: home, prefix, node: winner }]);
    await claim(there, other, winner);
    expect(await roles()).toEqual([{ tailnet: home, prefix, node: other }]);
    await claim(there, 99 as NodeId, other);
    expect(await roles()).toEqual([{ tailnet: home, prefix, node: other }]);
    await claim(here, undefined, other);
    expect(await roles()).toEqual([{ tailnet: home, prefix, node: undefined }]);
    await claim(here, one, undefined);
    expect(await roles()).toEqual([{ tailnet: home, prefix, node: one }]);
  });

  test("comes as news of the others alone, with the nodes it is about", async () => {
    const news: ReplicaNews[] = [];
    const own: ReplicaNews[] = [];
    using _hears = here.replicas!.onNews((one) => news.push(one));
    using _deaf = there.replicas!.onNews((one) => own.push(one));
    await expect.poll(() => [news.length, own.length]).toEqual([1, 1]);
    expect([news[0], own[0]]).toEqual([undefined, undefined]);
    await there.writePresence(
      new Map([
        [two, sample.presence(2)],
        [one, sample.presence(1)],
      ]),
    );
    await there.replicas!.claim([{ tailnet: home, prefix, node: one, seen: undefined }]);
    await expect.poll(() => news.slice(1)).toEqual([{ presenceOf: [one, two] }, { primaries: true }]);
    await here.writePresence(new Map([[one, sample.presence(1)]]));
    await expect.poll(() => own.slice(1)).toEqual([{ presenceOf: [one] }]);
    expect(news).toHaveLength(3);
  });
});
