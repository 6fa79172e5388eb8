import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import { RegisterMethod } from "@headscale/gen/headscale/v1/node_pb.ts";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { AdminClients } from "../support/admin-clients.ts";
import { adminWays, freshName, type JoinOptions, join } from "../support/admin-ways.ts";
import { TestDaemon } from "../support/daemon.ts";

const policy = `{
  "tagOwners": {"tag:a": [], "tag:b": []},
  "acls": [{"action": "accept", "src": ["*"], "dst": ["*:*"]}],
}`;

let daemon: TestDaemon;
beforeAll(async () => {
  daemon = await TestDaemon.start();
  await daemon.admin.headscale.setPolicy({ policy });
});
afterAll(() => daemon?.[Symbol.asyncDispose]());

describe.for(adminWays)("nodes, $way", ({ open }) => {
  let admin: AdminClients;
  let userId: bigint;
  let userName: string;
  beforeAll(async () => {
    admin = await open(daemon);
    userName = freshName("user");
    userId = (await admin.headscale.createUser({ name: userName })).user!.id;
  });
  const joined = (options: JoinOptions = {}) => join(daemon, { userId, ...options });
  const get = async (nodeId: bigint) => (await admin.headscale.getNode({ nodeId })).node!;
  const refusal = (code: Code) => ({ code });

  test("say everything about themselves", async () => {
    const { device, id } = await joined({
      hostinfo: {
        Hostname: "Alice's Laptop",
        OS: "linux",
        OSVersion: "12",
        IPNVersion: "1.80.0",
        RoutableIPs: ["10.1.0.0/16"],
      },
    });
    await using map = await device.follow();
    await map.until((netmap) => netmap.self !== undefined, "it has its map");
    await device.liteUpdate({ endpoints: ["192.0.2.7:41641"] });
    const node = await get(id);
    expect(node).toMatchObject({
      id,
      nodeKey: device.nodeKey,
      discoKey: device.discoKey,
      name: "Alice's Laptop",
      user: { id: userId, name: userName },
      registerMethod: RegisterMethod.AUTH_KEY,
      online: true,
      availableRoutes: ["10.1.0.0/16"],
      approvedRoutes: [],
      subnetRoutes: [],
      tags: [],
      tailnet: "default",
      stableId: String(id),
      ephemeral: false,
      expired: false,
      os: "linux",
      osVersion: "12",
      clientVersion: "1.80.0",
      capabilityVersion: device.version,
      endpoints: ["192.0.2.7:41641"],
      routes: [{ prefix: "10.1.0.0/16", announced: true, approved: false, serving: false, exit: false }],
    });
    expect(node.machineKey).toMatch(/^mkey:[0-9a-f]{64}$/);
    expect(node.ipAddresses).toHaveLength(2);
    expect(node.fqdn).toBe(`${node.givenName}.example.test`);
    expect(node.preAuthKey).toMatchObject({
      used: true,
      key: expect.stringMatching(/^hskey-auth-[0-9a-f]{12}-\*{3}$/),
    });
    expect(node.expiry).toBeUndefined();
    expect(timestampMs(node.connectedAt!)).toBeGreaterThan(timestampMs(node.createdAt!) - 1);
  });

  test("are listed by id, all or a user's", async () => {
    const name = freshName("user");
    const other = (await admin.headscale.createUser({ name })).user!.id;
    const [one, two] = [await joined({ userId: other }), await joined({ userId: other })];
    const ids = async (user: string) => (await admin.headscale.listNodes({ user })).nodes.map(({ id }) => id);
    expect(await ids(name)).toEqual([one.id, two.id]);
    expect(await ids("")).toEqual(expect.arrayContaining([one.id, two.id]));
    const all = await ids("");
    expect(all).toEqual(all.toSorted((a, b) => Number(a - b)));
    await expect(admin.headscale.listNodes({ user: "nobody" })).rejects.toMatchObject(refusal(Code.NotFound));
  });

  test("belong to their tags once they have some: to nobody alone, to a stand-in in lists", async () => {
    const { id } = await joined();
    const { node } = await admin.headscale.setTags({ nodeId: id, tags: ["tag:b", "tag:a", "tag:b"] });
    expect(node).toMatchObject({ tags: ["tag:a", "tag:b"] });
    expect(node!.user).toBeUndefined();
    const { nodes } = await admin.headscale.listNodes({});
    expect(nodes.find((one) => one.id === id)?.user).toMatchObject({ id: 2_147_455_555n, name: "tagged-devices" });
    expect((await admin.headscale.listNodes({ user: userName })).nodes.map((one) => one.id)).not.toContain(id);
  });

  test.for([
    { says: "none", tags: [] },
    { says: "one that the policy does not know", tags: ["tag:unknown"] },
    { says: "one without its prefix", tags: ["a"] },
    { says: "one with a space", tags: ["tag:a b"] },
    { says: "a good one and a bad one", tags: ["tag:a", "tag:unknown"] },
  ])("refuse tags: $says", async ({ tags }) => {
    const { id } = await joined();
    await expect(admin.headscale.setTags({ nodeId: id, tags })).rejects.toMatchObject(refusal(Code.InvalidArgument));
    expect(await get(id)).toMatchObject({ tags: [], user: { id: userId } });
  });

  test("serve the routes that they announce and that are approved", async () => {
    const prefix = `10.${100 + adminWays.findIndex((way) => way.open === open)}.0.0/16`;
    const { device, id } = await joined({ hostinfo: { RoutableIPs: [prefix] } });
    await using map = await device.follow();
    await map.until((netmap) => netmap.self !== undefined, "it has its map");
    const approved = await admin.headscale.setApprovedRoutes({ nodeId: id, routes: [prefix, prefix, "10.250.3.9/24"] });
    const expected = {
      approvedRoutes: [prefix, "10.250.3.0/24"],
      availableRoutes: [prefix],
      subnetRoutes: [prefix],
    };
    expect(approved.node).toMatchObject(expected);
    expect(await get(id)).toMatchObject(expected);
    expect((await admin.headscale.setApprovedRoutes({ nodeId: id, routes: [] })).node).toMatchObject({
      approvedRoutes: [],
      subnetRoutes: [],
    });
  });

  test("are exit nodes for both families or none", async () => {
    const both = ["0.0.0.0/0", "::/0"];
    const { device, id } = await joined({ hostinfo: { RoutableIPs: both } });
    await using map = await device.follow();
    await map.until((netmap) => netmap.self !== undefined, "it has its map");
    for (const route of both) {
      await admin.headscale.setApprovedRoutes({ nodeId: id, routes: [] });
      const { node } = await admin.headscale.setApprovedRoutes({ nodeId: id, routes: [route] });
      expect([...node!.approvedRoutes].sort()).toEqual(both);
      expect([...node!.subnetRoutes].sort()).toEqual(both);
    }
  });

  test.for(["10.0.0.0/33", "10.0.0.0/x", "fe80::/129", "nonsense", "", "10.0.0/8"])(
    "refuse the route %o",
    async (route) => {
      const { id } = await joined();
      const call = admin.headscale.setApprovedRoutes({ nodeId: id, routes: ["10.9.0.0/16", route] });
      await expect(call).rejects.toMatchObject(refusal(Code.InvalidArgument));
      expect((await get(id)).approvedRoutes).toEqual([]);
    },
  );

  test("expire now, later or never", async () => {
    const { device, id } = await joined();
    await using map = await device.follow();
    await map.until((netmap) => netmap.self !== undefined, "it has its map");
    const later = timestampFromMs(Date.now() + 3_600_000);
    const future = (await admin.headscale.expireNode({ nodeId: id, expiry: later })).node!;
    expect(future.expired).toBe(false);
    expect(timestampMs(future.expiry!)).toBe(timestampMs(later));
    const never = (await admin.headscale.expireNode({ nodeId: id, disableExpiry: true })).node!;
    expect(never.expiry).toBeUndefined();
    const now = (await admin.headscale.expireNode({ nodeId: id })).node!;
    expect(now.expired).toBe(true);
    await map.until((netmap) => netmap.self?.KeyExpiry !== undefined, "the device knows that it has expired");
    await expect(admin.headscale.expireNode({ nodeId: id, expiry: later, disableExpiry: true })).rejects.toMatchObject(
      refusal(Code.InvalidArgument),
    );
  });

  test("are renamed, their peers see it at once", async () => {
    const [viewer, renamed] = [await joined(), await joined()];
    await using map = await viewer.device.follow();
    const newName = freshName("box-");
    expect((await admin.headscale.renameNode({ nodeId: renamed.id, newName })).node?.givenName).toBe(newName);
    await map.until(
      ({ peers }) => [...peers.values()].some(({ Name }) => Name === `${newName}.example.test.`),
      "renamed",
    );
    const taken = admin.headscale.renameNode({ nodeId: viewer.id, newName });
    await expect(taken).rejects.toMatchObject(refusal(Code.AlreadyExists));
  });

  test.for(["", "-a", "a-", "a b", "a.b", "ä", "a".repeat(64), "a_b"])("refuse the name %o", async (newName) => {
    const { id } = await joined();
    const call = admin.headscale.renameNode({ nodeId: id, newName });
    await expect(call).rejects.toMatchObject(refusal(Code.InvalidArgument));
  });

  test("are deleted: peers forget them, the device itself is told", async () => {
    const [viewer, gone] = [await joined(), await joined()];
    await using map = await viewer.device.follow();
    await map.until(({ peers }) => peers.has(Number(gone.id)), "the peer is there");
    await admin.headscale.deleteNode({ nodeId: gone.id });
    await map.until(({ peers }) => !peers.has(Number(gone.id)), "the peer is gone");
    await expect(admin.headscale.getNode({ nodeId: gone.id })).rejects.toMatchObject(refusal(Code.NotFound));
    await expect(gone.device.fetchMap()).rejects.toMatchObject({ code: "status", status: 404 });
  });

  test("answer pings while they are connected", async () => {
    const { device, id } = await joined();
    const offline = admin.nodes.pingNode({ nodeId: id });
    await expect(offline).rejects.toMatchObject(refusal(Code.Unavailable));
    await using map = await device.follow();
    await map.until((netmap) => netmap.self !== undefined, "it has its map");
    const { latency } = await admin.nodes.pingNode({ nodeId: id });
    expect(latency!.seconds * 1_000_000_000n + BigInt(latency!.nanos)).toBeGreaterThan(0n);
  });

  test("that nobody knows are not found", async () => {
    const nodeId = 999_999n;
    const { headscale, nodes } = admin;
    const calls = [
      headscale.getNode({ nodeId }),
      headscale.getNode({}),
      headscale.setTags({ nodeId, tags: ["tag:a"] }),
      headscale.setApprovedRoutes({ nodeId, routes: [] }),
      headscale.deleteNode({ nodeId }),
      headscale.expireNode({ nodeId }),
      headscale.renameNode({ nodeId, newName: "a" }),
      nodes.pingNode({ nodeId }),
    ];
    for (const call of calls) await expect(call).rejects.toMatchObject(refusal(Code.NotFound));
    await expect(headscale.getNode({ nodeId: 2n ** 64n - 1n })).rejects.toMatchObject(refusal(Code.InvalidArgument));
  });

  test("get addresses again only on confirmation", async () => {
    await expect(admin.headscale.backfillNodeIPs({})).rejects.toMatchObject({
      code: Code.InvalidArgument,
      rawMessage: "not confirmed, aborting",
    });
    expect((await admin.headscale.backfillNodeIPs({ confirmed: true })).changes).toEqual([]);
  });
});

test("addresses follow the configured families", async () => {
  await using narrow = await TestDaemon.start({ config: { prefixes: { v4: "100.64.0.0/10" } } });
  await narrow.admin.headscale.createUser({ name: "alice" });
  const { id } = await join(narrow);
  expect((await narrow.admin.headscale.getNode({ nodeId: id })).node?.ipAddresses).toEqual(["100.64.0.1"]);
  await narrow.restart({ prefixes: { v4: "100.64.0.0/10", v6: "fd7a:115c:a1e0::/48" } });
  const { changes } = await narrow.admin.headscale.backfillNodeIPs({ confirmed: true });
  expect(changes).toHaveLength(1);
  expect((await narrow.admin.headscale.getNode({ nodeId: id })).node?.ipAddresses).toEqual([
    "100.64.0.1",
    "fd7a:115c:a1e0::1",
  ]);
});
