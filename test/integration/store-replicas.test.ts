import { openPostgresStore, type PostgresStoreOptions, type Store, StoreError } from "@headscale/store";
import { apply, type Change, type World, worldFromRows } from "@headscale/tailnet";
import postgres from "postgres";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { breakableProxy } from "../support/breakable-proxy.ts";
import { postgresWanted } from "../support/postgres.ts";
import { createPostgresDatabase, stopPostgres } from "../support/store-matrix.ts";
import * as sample from "../support/store-samples.ts";
import { base, guests, home, Numbering, put } from "../support/store-samples.ts";
import { loaded } from "../support/store-under-test.ts";

afterAll(stopPostgres);

/** Resolves when `listener` has been called once more. */
function bell() {
  let ring = Promise.withResolvers<void>();
  return {
    listener: () => ring.resolve(),
    async rung(): Promise<void> {
      await ring.promise;
      ring = Promise.withResolvers();
    },
  };
}

function administrator({ host, port, database, user }: PostgresStoreOptions) {
  return postgres({ host, port: port ?? 5432, database, user, max: 1 });
}

async function settled(outcome: Promise<unknown>): Promise<string> {
  return outcome.then(
    () => "written",
    (reason) => (reason instanceof StoreError ? reason.code : String(reason)),
  );
}

describe.skipIf(!postgresWanted())("several daemons on one PostgreSQL database", () => {
  let address: PostgresStoreOptions;
  beforeEach(async () => {
    address = await createPostgresDatabase();
  });

  test("that start together make the schema once", async () => {
    const stores = await Promise.all(Array.from({ length: 5 }, () => openPostgresStore(address)));
    await Promise.all(stores.map((store) => store.ping()));
    for (const store of stores) await store[Symbol.asyncDispose]();
  });

  test("agree on who was first, and on which key to use", async () => {
    const stores = await Promise.all(Array.from({ length: 4 }, () => openPostgresStore(address)));
    await stores[0]!.commit(new Numbering().changes(...base()));
    const first = (n: number) => new Numbering([[home, 2]]).changes(put.node(sample.node(n, { id: 1 as never })));
    const outcomes = await Promise.all(stores.map((store, n) => settled(store.commit(first(n)))));
    expect(outcomes.toSorted()).toEqual(["stale-revision", "stale-revision", "stale-revision", "written"]);
    const keys = await Promise.all(stores.map((store, n) => store.agreeOnBlob("key", new Uint8Array([n]))));
    expect(new Set(keys.map(([byte]) => byte)).size).toBe(1);
    for (const store of stores) await store[Symbol.asyncDispose]();
  });

  test("lose no change and write none twice when each catches up and tries again", async () => {
    const replicas = await Promise.all(Array.from({ length: 3 }, () => openReplica(address)));
    const [one] = replicas;
    await one!.commit((numbering) => numbering.changes(...base(), put.tailnet(sample.tailnet(guests))));
    const writes = replicas.map(async (replica) => {
      for (let i = 0; i < 20; i++) {
        await replica.commit((numbering, world) => numbering.changes(put.node(sample.node(world.sequences.node))));
      }
    });
    await Promise.all(writes);
    const state = await loaded(one!.store);
    expect(state.nodes.map(({ id }) => Number(id)).toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: 60 }, (_, i) => i + 1),
    );
    expect(state.revisions.get(home)).toBe(62);
    for (const { store } of replicas) await store[Symbol.asyncDispose]();
  });

  test("hear of each other's commits, and not of their own", async () => {
    await using writer = await openPostgresStore(address);
    await using reader = await openPostgresStore(address);
    const heard = bell();
    let own = 0;
    using _deaf = writer.onCommitElsewhere(() => own++);
    using _listening = reader.onCommitElsewhere(heard.listener);
    await heard.rung();
    const numbering = new Numbering();
    for (let i = 1; i <= 3; i++) {
      const changes = numbering.changes(put.apiKey(sample.apiKey(i)));
      await writer.commit(changes);
      await heard.rung();
      expect((await reader.changesSince(new Map())).at(-1)).toEqual(changes[0]);
    }
    // One call is due when listening begins.
    expect(own).toBeLessThanOrEqual(1);
  });

  test("hear no more once they stop listening", async () => {
    await using writer = await openPostgresStore(address);
    await using reader = await openPostgresStore(address);
    const kept = bell();
    let calls = 0;
    const given = reader.onCommitElsewhere(() => calls++);
    using _kept = reader.onCommitElsewhere(kept.listener);
    await kept.rung();
    given[Symbol.dispose]();
    const before = calls;
    await writer.commit(new Numbering().changes(...base()));
    await kept.rung();
    expect(calls).toBe(before);
  });

  test("go on after their connections broke, each commit whole or not at all", async () => {
    await using proxy = await breakableProxy(address.port!);
    await using store = await openPostgresStore({ ...address, port: proxy.port });
    const numbering = new Numbering();
    await store.commit(numbering.changes(...base()));
    for (let round = 0; round < 10; round++) {
      const revision = (await loaded(store)).revisions.get(home);
      const nodes = Array.from({ length: 30 }, (_, i) => put.node(sample.node(i + 1, { createdAt: round })));
      const outcome = settled(store.commit(new Numbering([[home, revision!]]).changes(...nodes)));
      for (let turn = 0; turn < round; turn++) await new Promise(setImmediate);
      proxy.breakConnections();
      expect(["written", "unavailable"]).toContain(await outcome);
      const { revisions } = await eventually(() => loaded(store));
      expect([revision, revision! + 30]).toContain(revisions.get(home));
    }
    await eventually(() => store.ping());
  });

  test("look again after an outage during which they could not hear", async () => {
    await using proxy = await breakableProxy(address.port!);
    await using writer = await openPostgresStore(address);
    await using reader = await openPostgresStore({ ...address, port: proxy.port });
    const heard = bell();
    using _listening = reader.onCommitElsewhere(heard.listener);
    await heard.rung();
    proxy.open = false;
    proxy.breakConnections();
    await writer.commit(new Numbering().changes(...base()));
    await expect(reader.ping()).rejects.toMatchObject({ code: "unavailable" });
    proxy.open = true;
    await heard.rung();
    expect(await reader.changesSince(new Map())).toHaveLength(2);
  });

  test("go on when the database ends their connections", async () => {
    await using store = await openPostgresStore(address);
    await store.commit(new Numbering().changes(...base()));
    await loaded(store);
    const admin = administrator(address);
    await admin`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'headscale' and datname = current_database()`;
    await admin.end();
    expect((await eventually(() => loaded(store))).users).toHaveLength(1);
    await eventually(() => store.ping());
  });

  test("refuse a database of a newer version, and one of another program", async () => {
    await (await openPostgresStore(address))[Symbol.asyncDispose]();
    const admin = administrator(address);
    await admin`insert into schema_migrations values (1000, '1000_later', 0)`;
    await expect(openPostgresStore(address)).rejects.toMatchObject({ code: "newer-schema" });
    await admin`drop table schema_migrations`;
    await expect(openPostgresStore(address)).rejects.toMatchObject({
      code: "foreign-database",
      message: expect.stringContaining(`the PostgreSQL database ${address.database} holds tables of another program`),
    });
    await admin.end();
  });

  test.for([
    { says: "nobody listens there", change: { port: 1 } },
    { says: "the server has no TLS", change: { ssl: "require" } },
    { says: "there is no such database", change: { database: "nowhere" } },
  ] as const)("say so when $says", async ({ change }) => {
    const error: unknown = await openPostgresStore({ ...address, password: "hunter2hunter2", ...change }).catch(
      (e) => e,
    );
    expect(error).toMatchObject({ code: "unavailable" });
    expect(`${error} ${(error as Error).stack} ${(error as Error).cause}`).not.toContain("hunter2");
  });
});

/** Repeats what a lost connection may make fail once. */
async function eventually<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (attempt === 20 || !(error instanceof StoreError) || error.code !== "unavailable") throw error;
    }
  }
}

interface Replica {
  readonly store: Store;
  commit(decide: (numbering: Numbering, world: World) => readonly Change[]): Promise<void>;
}

/** A daemon in short: decides over its world, commits, and catches up when another was first. */
async function openReplica(address: PostgresStoreOptions): Promise<Replica> {
  const store = await openPostgresStore(address);
  let world = worldFromRows(await store.load());
  return {
    store,
    async commit(decide) {
      for (;;) {
        const changes = decide(new Numbering(world.revisions), world);
        const outcome = await settled(store.commit(changes));
        if (outcome === "written") {
          world = changes.reduce(apply, world);
          return;
        }
        expect(outcome).toBe("stale-revision");
        world = (await store.changesSince(new Map(world.revisions))).reduce(apply, world);
      }
    },
  };
}
