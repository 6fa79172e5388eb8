import { Code } from "@connectrpc/connect";
import type { Node } from "@headscale/gen/headscale/v1/node_pb.ts";
import type { NodeId } from "@headscale/tailnet";
import postgres from "postgres";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type JoinOptions, join } from "../support/admin-ways.ts";
import { breakableProxy } from "../support/breakable-proxy.ts";
import { TestDaemon } from "../support/daemon.ts";
import { type PostgresDatabase, type PostgresServer, postgresWanted, startPostgres } from "../support/postgres.ts";

/** Short enough for a test to see it end, long enough for a busy machine to renew it. */
const tuning = { replica_lease: "3s", offline_grace: "100ms" };
const subnet = "10.7.0.0/24";

describe.skipIf(!postgresWanted())("daemons that share a PostgreSQL database", () => {
  let server: PostgresServer;
  let database: PostgresDatabase;
  let databases = 0;
  beforeAll(async () => {
    server = await startPostgres();
  });
  beforeEach(async () => {
    database = await server.createDatabase(`replicas_${++databases}`);
  });
  afterAll(() => server?.[Symbol.asyncDispose]());

  /** Two of them, the second one behind `port` if it is given, with a user. */
  async function pair(port = database.port) {
    const one = await TestDaemon.start({ database, config: { tuning } });
    await one.admin.headscale.createUser({ name: "owner" });
    const two = await TestDaemon.start({ database: { ...database, port }, config: { tuning } });
    const both = [one, two] as const;
    return {
      one,
      two,
      both,
      async [Symbol.asyncDispose]() {
        await Promise.all(both.map((daemon) => daemon[Symbol.asyncDispose]()));
      },
    };
  }

  /** A device that joins and holds a map stream; gone with its block. */
  async function present(daemon: TestDaemon, options: JoinOptions = {}) {
    const { device, id } = await join(daemon, options);
    const map = await device.follow();
    await map.until(({ self }) => self !== undefined, "it has its map");
    return { device, id, map, [Symbol.asyncDispose]: () => map[Symbol.asyncDispose]() };
  }

  const nodeAt = async (daemon: TestDaemon, id: bigint): Promise<Node> => {
    const { nodes } = await daemon.admin.headscale.listNodes({ tailnet: "*" });
    const node = nodes.find((one) => one.id === id);
    if (!node) throw new Error(`node ${id} is not known`);
    return node;
  };

  const isOnline = async (daemon: TestDaemon, id: bigint): Promise<boolean> => {
    const { nodes } = await daemon.admin.headscale.listNodes({ tailnet: "*" });
    return nodes.some((node) => node.id === id && node.online);
  };

  /** Resolves when a look at the daemon finds what is wanted. */
  async function until(look: () => Promise<boolean> | boolean): Promise<void> {
    while (!(await look())) await new Promise((resolve) => setTimeout(resolve, 20));
  }

  /** Comings and goings of a node as one daemon tells of them, from now on. */
  function comings(daemon: TestDaemon, id: bigint) {
    const told: string[] = [];
    const stop = new AbortController();
    const reading = (async () => {
      for await (const batch of daemon.daemon.live.feed.news(stop.signal)) {
        for (const { kind, id: about } of batch) {
          if (kind.startsWith("node-o") && about === Number(id)) told.push(kind.slice("node-".length));
        }
      }
    })();
    return {
      told,
      async [Symbol.asyncDispose]() {
        stop.abort();
        await reading;
      },
    };
  }

  test("agree on who is online, and tell the peers on every one of them how to reach it", async () => {
    await using replicas = await pair();
    const { one, two } = replicas;
    await using a = await present(one, { hostinfo: { Hostname: "a" } });
    await using b = await present(two, { hostinfo: { Hostname: "b" } });
    const peer = (of: bigint) => (netmap: typeof a.map.netmap) => netmap.peers.get(Number(of));
    await a.map.until((netmap) => peer(b.id)(netmap)?.Online === true, "b is online at a");
    await b.map.until((netmap) => peer(a.id)(netmap)?.Online === true, "a is online at b");
    await a.device.liteUpdate({ endpoints: ["192.0.2.7:41641"] });
    await b.map.until((netmap) => peer(a.id)(netmap)?.Endpoints?.[0] === "192.0.2.7:41641", "b has a's endpoints");
    for (const daemon of replicas.both) {
      const shown = await nodeAt(daemon, a.id);
      expect(shown).toMatchObject({ online: true, endpoints: ["192.0.2.7:41641"], connectedAt: expect.anything() });
    }
    await expect(two.admin.nodes.pingNode({ nodeId: a.id })).rejects.toMatchObject({
      code: Code.Unavailable,
      message: expect.stringContaining("another replica"),
    });
    await using told = comings(two, a.id);
    await a.map[Symbol.asyncDispose]();
    await b.map.until((netmap) => peer(a.id)(netmap)?.Online === false, "a is offline at b");
    await until(async () => !(await isOnline(two, a.id)));
    expect((await nodeAt(two, a.id)).lastSeen).toEqual((await nodeAt(one, a.id)).lastSeen);
    expect(told.told).toEqual(["offline"]);
  });

  test("know at once, after a start, who is connected to the others", async () => {
    await using replicas = await pair();
    const { one, two } = replicas;
    await using a = await present(one);
    await using b = await present(two);
    await until(() => isOnline(one, b.id));
    await two.restart();
    expect((await nodeAt(two, a.id)).online).toBe(true);
    expect((await nodeAt(one, a.id)).online).toBe(true);
  });

  test("let a node move from one to the other without calling it gone", async () => {
    await using replicas = await pair();
    const { one, two } = replicas;
    await using a = await present(one);
    await until(() => isOnline(two, a.id));
    await using atOne = comings(one, a.id);
    await using atTwo = comings(two, a.id);
    const moved = two.client({ machineKey: a.device.machineKey, nodeKey: a.device.nodeKey });
    await using map = await moved.follow();
    await map.until(({ self }) => self !== undefined, "it has its map from the other one");
    await a.map.ended;
    // Long enough for the first daemon to have called it gone, if it still took it for its own.
    await until(() => one.daemon.live.attendance.isElsewhere(Number(a.id) as NodeId));
    await using late = await present(one);
    await late.map[Symbol.asyncDispose]();
    await until(async () => !(await nodeAt(one, late.id)).online && !(await nodeAt(two, late.id)).online);
    expect([(await nodeAt(one, a.id)).online, (await nodeAt(two, a.id)).online]).toEqual([true, true]);
    expect([atOne.told, atTwo.told]).toEqual([[], []]);
  });

  test("let a device register with one and go on with another at once", async () => {
    await using replicas = await pair();
    const { one, two } = replicas;
    for (let i = 0; i < 10; i++) {
      const { preAuthKey } = await one.admin.headscale.createPreAuthKey({});
      const device = two.client();
      expect(await device.register({ authKey: preAuthKey!.key })).toMatchObject({ MachineAuthorized: true });
      const same = one.client({ machineKey: device.machineKey, nodeKey: device.nodeKey });
      expect((await same.fetchMap()).Node?.Key).toBe(device.nodeKey);
    }
    const waiting = one.client();
    const { AuthURL = "" } = await waiting.register();
    const elsewhere = two.client({ machineKey: waiting.machineKey, nodeKey: waiting.nodeKey });
    const held = elsewhere.register({ followup: AuthURL });
    const authId = AuthURL.slice(AuthURL.lastIndexOf("/") + 1);
    await one.admin.headscale.authRegister({ user: "owner", authId });
    expect(await held).toMatchObject({ MachineAuthorized: true });
  });

  test("do not remove an ephemeral node that is connected to another one", async () => {
    await using replicas = await pair();
    const { one, two } = replicas;
    await using here = await present(one, { ephemeral: true });
    const away = await join(one, { ephemeral: true });
    await until(() => isOnline(two, here.id));
    // What happens when the time of both is over.
    for (const { id } of [here, away]) await two.daemon.live.attendance.abandon(Number(id) as NodeId);
    const { nodes } = await two.admin.headscale.listNodes({});
    expect(nodes.map(({ id }) => id)).toEqual([here.id]);
  });

  test("take the nodes of one that is cut off for gone when its lease ends, and back when it returns", async () => {
    await using proxy = await breakableProxy(database.port);
    await using replicas = await pair(proxy.port);
    const { one, two } = replicas;
    await using stays = await present(one);
    await using lost = await present(two, { hostinfo: { Hostname: "lost" } });
    await stays.map.until(
      ({ peers }) => [...peers.values()].some(({ Online }) => Online === true),
      "the other is online",
    );
    proxy.open = false;
    proxy.breakConnections();
    await stays.map.until(
      ({ peers }) => [...peers.values()].some(({ Online }) => Online === false),
      "the lease has ended",
      20_000,
    );
    expect((await nodeAt(one, lost.id)).online).toBe(false);
    expect((await nodeAt(one, stays.id)).online).toBe(true);
    proxy.open = true;
    await stays.map.until(
      ({ peers }) => [...peers.values()].some(({ Online }) => Online === true),
      "it is back",
      20_000,
    );
    expect((await nodeAt(two, stays.id)).online).toBe(true);
    expect(one.log.filter((line) => !line.includes("PostgreSQL"))).toEqual([]);
  });

  test("take the nodes of one that was killed for gone when its lease ends", async () => {
    await using replicas = await pair();
    const { one, two } = replicas;
    await using stays = await present(one);
    const lost = await present(two, { hostinfo: { Hostname: "lost" } });
    await stays.map.until(({ peers }) => [...peers.values()].some(({ Online }) => Online === true), "it is online");
    await using told = comings(one, lost.id);
    // Nothing that a daemon does when it ends, and nothing afterwards: as after kill -9.
    const sql = postgres(database.url, { max: 1, onnotice: () => {} });
    await sql`update presence set replica = 'killed' where node_id = ${String(lost.id)}`;
    await sql`insert into replicas values ('killed', (extract(epoch from clock_timestamp()) * 1000)::bigint + 2000)`;
    await sql`select pg_notify('headscale_replicas', ${`killed ${lost.id}`})`;
    await stays.map.until(
      ({ peers }) => [...peers.values()].some(({ Online }) => Online === false),
      "it is gone",
      20_000,
    );
    expect(told.told).toEqual(["offline"]);
    await until(async () => (await sql`select 1 from replicas where id = 'killed'`).length === 0);
    const [row] = await sql`select replica, last_seen from presence where node_id = ${String(lost.id)}`;
    expect(row).toEqual({ replica: null, last_seen: expect.stringMatching(/^\d{13}$/) });
    await sql.end();
    await lost.map[Symbol.asyncDispose]();
  });

  test("keep a stopped one's nodes online for as long as they need to come to another", async () => {
    await using replicas = await pair();
    const { one, two } = replicas;
    await using a = await present(two);
    await until(() => isOnline(one, a.id));
    await using told = comings(one, a.id);
    await two.stop();
    await until(() => told.told.length > 0);
    expect(told.told).toEqual(["offline"]);
    expect((await nodeAt(one, a.id)).online).toBe(false);
  });

  test("choose one router for a subnet, whoever sees what first, and remember it over a restart", async () => {
    await using replicas = await pair();
    const { one, two } = replicas;
    const router = async (daemon: TestDaemon) => {
      const joined = await present(daemon, { hostinfo: { RoutableIPs: [subnet] } });
      await daemon.admin.headscale.setApprovedRoutes({ nodeId: joined.id, routes: [subnet] });
      return joined;
    };
    const serves = async (daemon: TestDaemon, id: bigint) => (await nodeAt(daemon, id)).subnetRoutes.includes(subnet);
    await using first = await router(one);
    await until(async () => (await isOnline(two, first.id)) && (await serves(two, first.id)));
    await using second = await router(two);
    const roles = () =>
      Promise.all(replicas.both.flatMap((daemon) => [first, second].map(({ id }) => serves(daemon, id))));
    const settle = async (...wanted: boolean[]) => {
      await until(async () => JSON.stringify(await roles()) === JSON.stringify(wanted));
    };
    await settle(true, false, true, false);
    await first.map[Symbol.asyncDispose]();
    await settle(false, true, false, true);
    await using _again = await first.device.follow();
    await until(() => isOnline(two, first.id));
    expect(await roles()).toEqual([false, true, false, true]);
    await one.restart();
    await using back = await first.device.follow();
    await back.until(({ self }) => self !== undefined, "it is back");
    await until(async () => (await nodeAt(two, first.id)).online && (await nodeAt(one, second.id)).online);
    expect(await roles()).toEqual([false, true, false, true]);
    expect(one.daemon.live.attendance.isElsewhere(Number(second.id) as NodeId)).toBe(true);
  });
});
