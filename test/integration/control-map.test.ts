import { once } from "node:events";
import { setImmediate as turn } from "node:timers/promises";
import { parsePrefix } from "@headscale/netip";
import type { MapResponse } from "@headscale/tailcfg";
import { DiscoKey } from "@headscale/tailcfg/keys";
import { deleteNode, expireNode, renameNode, setApprovedRoutes } from "@headscale/tailnet/commands";
import { describe, expect, test } from "vitest";
import { bodyChunks } from "../support/control/body-chunks.ts";
import { ClientNetmap } from "../support/control/client-netmap.ts";
import type { FollowedMap } from "../support/control/followed-map.ts";
import { MapFrameReader } from "../support/control/map-frame-reader.ts";
import { decodeMapMessage } from "../support/control/map-message.ts";
import { NoiseRequests } from "../support/control/noise-requests.ts";
import type { ControlClient } from "../support/control-client.ts";
import { LiveServer, usualLimits } from "../support/live-server.ts";

async function lab(options?: Parameters<typeof LiveServer.start>[0]) {
  const server = await LiveServer.start(options);
  const alice = await server.user("alice");
  return { server, alice, join: (name: string) => server.joined(alice, name) };
}
const mapBody = (client: ControlClient, over: object) => ({
  Version: client.version,
  Compress: "zstd",
  KeepAlive: true,
  NodeKey: client.nodeKey,
  ...over,
});
const askMap = (client: ControlClient, over: object) =>
  client.request({ method: "POST", path: "/machine/map", body: mapBody(client, over) });

describe("a map stream", () => {
  test("begins with the whole map and goes on with what changes", async () => {
    const { server, join } = await lab();
    await using _server = server;
    const [a, b] = [await join("a"), await join("b")];
    await using followed = await a.follow();
    await followed.until(({ peers }) => peers.size === 1, "b is a peer");
    expect(followed.netmap.peerNamed("b")).toMatchObject({ Online: false });
    await using _other = await b.follow();
    await followed.until((map) => map.peerNamed("b")?.Online === true, "b is online");
    await b.liteUpdate({ endpoints: ["192.0.2.7:41641"] });
    await followed.until((map) => map.peerNamed("b")?.Endpoints?.[0] === "192.0.2.7:41641", "b's endpoint");
    const c = await join("c");
    await followed.until((map) => map.peerNamed("c") !== undefined, "c has come");
    await server.live.execute(deleteNode(server.nodeOf(c).id), "test");
    await followed.until((map) => map.peerNamed("c") === undefined, "c has gone");
    expect(server.heard.failures).toEqual([]);
  });

  test("costs a client no rebuild of its map for what changes all the time", async () => {
    const { server, join } = await lab();
    await using _server = server;
    const [a, b] = [await join("a"), await join("b")];
    await b.liteUpdate({ endpoints: ["192.0.2.1:1"] });
    await using followed = await a.follow();
    await followed.until(({ peers }) => peers.size === 1, "b is a peer");
    const { rebuilds } = followed.netmap;
    await using _other = await b.follow();
    for (const port of [2, 3, 4]) await b.liteUpdate({ endpoints: [`192.0.2.1:${port}`] });
    await followed.until((map) => map.peerNamed("b")?.Endpoints?.[0] === "192.0.2.1:4", "the last endpoint");
    await followed.until((map) => map.peerNamed("b")?.Online === true, "b is online");
    expect(followed.netmap.rebuilds).toBe(rebuilds);
  });

  test("says nothing of a peer's latencies, or of endpoints in another order", async () => {
    const { server, join } = await lab();
    await using _server = server;
    const [a, b] = [await join("a"), await join("b")];
    const hostinfo = (latency: number) => ({
      ...b.hostinfo,
      NetInfo: { PreferredDERP: 1, DERPLatency: { "1-v4": latency } },
    });
    await b.liteUpdate({ hostinfo: hostinfo(0.1), endpoints: ["192.0.2.1:1", "192.0.2.2:2"] });
    await using followed = await a.follow();
    await followed.until(({ peers }) => peers.size === 1, "b is a peer");
    const { messages } = followed.netmap;
    await b.liteUpdate({ hostinfo: hostinfo(0.2), endpoints: ["192.0.2.2:2", "192.0.2.1:1"] });
    await server.live.execute(renameNode(server.nodeOf(b).id, "bb"), "test");
    await followed.until((map) => map.peerNamed("bb") !== undefined, "the rename");
    expect(followed.netmap.messages).toBe(messages + 1);
  });

  test("is quiet with keep-alives, of the text that no client mistakes later messages for", async () => {
    const { server, join } = await lab({ live: { timing: { keepAliveMs: () => 20, coalesceMs: 0 } } });
    await using _server = server;
    const a = await join("a");
    await using stream = await a.openMap();
    const texts: MapResponse[] = [];
    // The reader complains of the trapping text by itself.
    for await (const message of stream.messages()) {
      texts.push(message);
      if (texts.length === 4) break;
    }
    expect(texts.slice(1)).toEqual([{ KeepAlive: true }, { KeepAlive: true }, { KeepAlive: true }]);
    expect(server.heard.sent.slice(0, 4)).toEqual(["full", "keepalive", "keepalive", "keepalive"]);
  });

  test("may begin before the server knows the disco key; peers hear of it afterwards", async () => {
    const { server, join } = await lab();
    await using _server = server;
    const [a, b] = [await join("a"), await join("b")];
    await using followed = await a.follow();
    await followed.until((map) => map.peerNamed("b") !== undefined, "b is a peer");
    expect(followed.netmap.peerNamed("b")).not.toHaveProperty("DiscoKey");
    await using _other = await b.follow();
    await followed.until((map) => map.peerNamed("b")?.DiscoKey === b.discoKey, "b's disco key");
  });

  test("with zero values, as load generators send, overwrites nothing", async () => {
    const { server, join } = await lab();
    await using _server = server;
    const a = await join("a");
    await a.liteUpdate({ hostinfo: { ...a.hostinfo, NetInfo: { PreferredDERP: 4 } }, endpoints: ["192.0.2.1:1"] });
    const before = server.live.presence(server.nodeOf(a).id);
    const { stream } = await new NoiseRequests(server.server, a, false).open({
      method: "POST",
      path: "/machine/map",
      body: mapBody(a, { Stream: true, DiscoKey: DiscoKey.zero, Hostinfo: {} }),
    });
    expect(server.live.presence(server.nodeOf(a).id)).toEqual({
      ...before,
      online: true,
      connectedAt: expect.any(Number),
    });
    stream.destroy();
  });

  test("tells of a new peer once, with all that its machine said when it registered", async () => {
    const { server, join } = await lab();
    await using _server = server;
    const told: string[] = [];
    await using watcher = await (await join("a")).follow({
      onMessage: ({ PeersChanged = [] }) =>
        told.push(...PeersChanged.map(({ Name, Hostinfo, Cap }) => `${Name} ${Hostinfo?.OS} ${Cap}`)),
    });
    await watcher.until(({ self }) => self !== undefined, "its own map");
    const b = await join("b");
    await watcher.until((map) => map.peerNamed("b") !== undefined, "the new peer");
    await server.live.execute(renameNode(server.nodeOf(b).id, "bb"), "test");
    await watcher.until((map) => map.peerNamed("bb") !== undefined, "the rename");
    expect(told.map((line) => line.replace(/\..* l/, " l"))).toEqual([`b linux ${b.version}`, `bb linux ${b.version}`]);
  });

  test("is replaced by a newer one, and the node does not flicker", async () => {
    const { server, join } = await lab();
    await using _server = server;
    const [a, b] = [await join("a"), await join("b")];
    const seen: (boolean | undefined)[] = [];
    await using watcher = await b.follow({
      onMessage: ({ PeersChanged = [], PeersChangedPatch = [] }) => {
        seen.push(...[...PeersChanged, ...PeersChangedPatch].map(({ Online }) => Online));
      },
    });
    const first = await a.follow();
    await watcher.until((map) => map.peerNamed("a")?.Online === true, "a is online");
    await using second = await a.follow();
    expect(await first.ended).toMatchObject({ code: "unexpected-eof" });
    await second.until(({ peers }) => peers.size === 1, "the second stream's map");
    await server.live.execute(renameNode(server.nodeOf(a).id, "aa"), "test");
    await watcher.until((map) => map.peerNamed("aa")?.Online === true, "the rename");
    expect(seen).toContain(true);
    expect(seen.slice(seen.indexOf(true))).not.toContain(false);
    expect(server.heard.streams).toContain("a ended server");
  });

  test("goes on while the same machine uses other connections: none is closed for another", async () => {
    const { server, join } = await lab();
    await using _server = server;
    const a = await join("a");
    await using followed = await a.follow();
    await followed.until((map) => map.self !== undefined, "the first map");
    const others = [1, 2, 3].map(() => server.client({ machineKey: a.machineKey, nodeKey: a.nodeKey }));
    for (const other of others)
      expect((await other.request({ method: "GET", path: "/machine/whoami", authority: "unused" })).status).toBe(200);
    await server.live.execute(renameNode(server.nodeOf(a).id, "aa"), "test");
    await followed.until((map) => map.self?.Name === "aa.example.test.", "the rename");
  });

  test("of a deleted node says that its key has expired, and ends", async () => {
    const { server, join } = await lab();
    await using _server = server;
    const a = await join("a");
    const followed = await a.follow();
    await followed.until((map) => map.self !== undefined, "the first map");
    await server.live.execute(deleteNode(server.nodeOf(a).id), "test");
    await followed.ended;
    expect(followed.netmap.self).toMatchObject({ Expired: true, MachineAuthorized: false });
    expect(Date.parse(followed.netmap.self?.KeyExpiry ?? "")).toBeLessThan(Date.now());
    expect((await askMap(a, { Stream: true })).status).toBe(404);
    expect((await a.register()).AuthURL).toContain("/register/");
  });

  test("of an expired node stays open, so that the client hears what becomes of it", async () => {
    const { server, join } = await lab();
    await using _server = server;
    const [a, b] = [await join("a"), await join("b")];
    await using followed = await a.follow();
    await using watcher = await b.follow();
    await server.live.execute(expireNode(server.nodeOf(a).id, undefined), "test");
    await followed.until((map) => map.self?.Expired === true, "it has expired");
    await watcher.until((map) => map.peerNamed("a")?.Expired === true, "its peer has expired");
    await server.live.execute(expireNode(server.nodeOf(a).id, Date.now() + 3_600_000), "test");
    await followed.until((map) => map.self?.MachineAuthorized === true, "it is good again");
    await watcher.until((map) => !map.peerNamed("a")?.Expired, "its peer is good again");
  });

  test("tells of a key's end at its moment, without anybody doing anything", async () => {
    const { server, join } = await lab();
    await using _server = server;
    const [a, b] = [await join("a"), await join("b")];
    await using watcher = await b.follow();
    await server.live.execute(expireNode(server.nodeOf(a).id, Date.now() + 100), "test");
    await watcher.until((map) => map.peerNamed("a")?.Expired === true, "the moment has come");
  });

  test("says by patch that a peer is gone, and when it was last seen", async () => {
    const { server, join } = await lab();
    await using _server = server;
    const [a, b] = [await join("a"), await join("b")];
    await using followed = await a.follow();
    const other = await b.follow();
    await followed.until((map) => map.peerNamed("b")?.Online === true, "b is online");
    expect(followed.netmap.peerNamed("b")).not.toHaveProperty("LastSeen");
    await other[Symbol.asyncDispose]();
    const { rebuilds } = followed.netmap;
    await followed.until((map) => map.peerNamed("b")?.Online === false, "b is offline");
    expect(Date.parse(followed.netmap.peerNamed("b")?.LastSeen ?? "")).toBeGreaterThan(Date.now() - 60_000);
    expect(followed.netmap.rebuilds).toBe(rebuilds);
  });

  test("works for clients in browsers too", async () => {
    const { server, alice } = await lab();
    await using _server = server;
    const web = await server.joined(alice, "web", { websocket: true });
    await using followed = await web.follow();
    await followed.until((map) => map.self?.Name === "web.example.test.", "the first map");
  });

  test("moves a subnet from a router that goes offline to one that is there", async () => {
    const { server, alice, join } = await lab();
    await using _server = server;
    const route = parsePrefix("10.0.0.0/24");
    const routers: FollowedMap[] = [];
    for (const name of ["r1", "r2"]) {
      const router = await server.joined(alice, name, { hostinfo: { RoutableIPs: [route] } });
      await server.live.execute(setApprovedRoutes(server.nodeOf(router).id, [route]), "test");
      routers.push(await router.follow());
    }
    const viewer = await join("v");
    await using followed = await viewer.follow();
    await followed.until((map) => map.peerNamed("r1")?.PrimaryRoutes?.[0] === route, "r1 carries the route");
    expect(followed.netmap.peerNamed("r2")?.AllowedIPs).not.toContain(route);
    await routers[0]?.[Symbol.asyncDispose]();
    await followed.until((map) => map.peerNamed("r2")?.PrimaryRoutes?.[0] === route, "r2 carries the route");
    expect(followed.netmap.peerNamed("r1")?.AllowedIPs).not.toContain(route);
    await routers[1]?.[Symbol.asyncDispose]();
  });

  test("hides from a viewer what a new policy hides, and shows it again", async () => {
    const { server, join } = await lab();
    await using _server = server;
    const a = await join("a");
    const bob = await server.user("bob");
    await server.joined(bob, "b");
    await using followed = await a.follow();
    await followed.until(({ peers }) => peers.size === 1, "b is a peer");
    server.setPolicy(`{"acls": []}`);
    await followed.until(({ peers }) => peers.size === 0, "b is hidden");
    expect(followed.netmap.packetFilter).toEqual([]);
    server.setPolicy(`{"acls": [{"action": "accept", "src": ["*"], "dst": ["*:*"]}]}`);
    await followed.until(({ peers }) => peers.size === 1, "b is back");
    expect(followed.netmap.profiles.get(bob.id)).toMatchObject({ LoginName: "bob" });
  });
});

describe("a reader that stops reading", () => {
  /** A stream whose window holds next to nothing, so that the server soon has to wait. */
  async function narrow(server: LiveServer, client: ControlClient) {
    const requests = new NoiseRequests(
      server.server,
      { machineKey: client.machineKey, version: client.version },
      false,
    );
    const session = await requests.session();
    session.settings({ initialWindowSize: 1024 });
    await once(session, "localSettings");
    const { stream } = await requests.open({
      method: "POST",
      path: "/machine/map",
      body: mapBody(client, { Stream: true }),
    });
    return { stream, drop: () => requests.drop() };
  }

  test("gets a thousand changes later in a few messages, and knows what everybody else knows", async () => {
    const { server, join } = await lab();
    await using _server = server;
    const [slow, b, c] = [await join("slow"), await join("b"), await join("c")];
    const { stream, drop } = await narrow(server, slow);
    const happen = async (from: number, to: number) => {
      for (let i = from; i < to; i++) {
        await server.live.execute(renameNode(server.nodeOf(b).id, `b${i}`), "test");
        await c.liteUpdate({ endpoints: [`192.0.2.1:${i + 1}`] });
      }
    };
    let sent = -1;
    for (let from = 0; sent !== server.heard.sent.length; from += 100) {
      expect(from).toBeLessThan(3000);
      sent = server.heard.sent.length;
      await happen(from, from + 100);
    }
    // Nothing goes out any more: what happens is kept as what there is to say.
    await happen(3000, 3200);
    expect(server.heard.sent.length).toBe(sent);
    const netmap = new ClientNetmap();
    const reader = new MapFrameReader();
    for await (const chunk of bodyChunks(stream)) {
      reader.push(chunk, (_, frame) => netmap.apply(decodeMapMessage(frame as Buffer)));
      if (netmap.peerNamed("b3199") && netmap.peerNamed("c")?.Endpoints?.[0] === "192.0.2.1:3200") break;
    }
    expect(netmap.messages).toBeLessThanOrEqual(sent + 2);
    const fresh = new ClientNetmap();
    fresh.apply(await slow.fetchMap());
    expect(netmap.snapshot().peers).toEqual(fresh.snapshot().peers);
    await drop();
  });

  test("keeps nobody else waiting, and may go without a trace", async () => {
    const { server, join } = await lab();
    await using _server = server;
    const [slow, quick, b] = [await join("slow"), await join("quick"), await join("b")];
    const { drop } = await narrow(server, slow);
    await using followed = await quick.follow();
    for (let i = 0; i < 100; i++) await server.live.execute(renameNode(server.nodeOf(b).id, `b${i}`), "test");
    await followed.until((map) => map.peerNamed("b99") !== undefined, "the last rename");
    await drop();
    await expect.poll(() => server.heard.streams).toContain("slow ended client");
    expect(server.heard.failures).toEqual([]);
  });
});

describe("a lite update", () => {
  test("is answered with nothing, and leaves the stream alone", async () => {
    const { server, join } = await lab();
    await using _server = server;
    const a = await join("a");
    await using followed = await a.follow();
    await followed.until((map) => map.self !== undefined, "the first map");
    const { messages } = followed.netmap;
    const answer = await askMap(a, { OmitPeers: true, Endpoints: ["192.0.2.1:1"], DiscoKey: a.discoKey });
    expect([answer.status, answer.body.length]).toEqual([200, 0]);
    await server.live.execute(renameNode(server.nodeOf(a).id, "aa"), "test");
    await followed.until((map) => map.self?.Name === "aa.example.test.", "the rename");
    expect(followed.netmap.messages).toBe(messages + 1);
    expect(server.heard.streams).toEqual(["a opened"]);
  });
});

describe("a single map", () => {
  test("is whole, and the node is not online for it", async () => {
    const { server, join } = await lab();
    await using _server = server;
    const [a, b] = [await join("a"), await join("b")];
    const message = await a.fetchMap();
    expect(message).toMatchObject({ Node: { Name: "a.example.test." }, Peers: [{ ID: server.nodeOf(b).id }] });
    expect(server.live.presence(server.nodeOf(a).id).online).toBe(false);
    expect(server.heard.streams).toEqual([]);
  });

  test("that is only to be read changes nothing", async () => {
    const { server, join } = await lab();
    await using _server = server;
    const a = await join("a");
    const before = server.live.presence(server.nodeOf(a).id);
    await askMap(a, { ReadOnly: true, Endpoints: ["192.0.2.9:9"], Hostinfo: { Hostname: "other" } });
    expect(server.live.presence(server.nodeOf(a).id)).toBe(before);
    expect(server.nodeOf(a).hostname).toBe("a");
  });
});

describe("a map request that is refused", () => {
  test.for([
    { says: "of a node that is not registered", prepare: async (server: LiveServer) => server.client() },
    {
      says: "with another machine's node key",
      prepare: async (server: LiveServer, victim: ControlClient) => server.client({ nodeKey: victim.nodeKey }),
    },
  ])("$says is not found, whatever it asks for", async ({ prepare }) => {
    const { server, join } = await lab();
    await using _server = server;
    const victim = await join("a");
    const before = server.live.presence(server.nodeOf(victim).id);
    const client = await prepare(server, victim);
    for (const over of [{ Stream: true }, { OmitPeers: true, Endpoints: ["192.0.2.6:6"] }, {}, { ReadOnly: true }]) {
      const { status, body } = await askMap(client, over);
      expect([status, body.toString()]).toEqual([404, "node not found: log in again"]);
    }
    expect(server.live.presence(server.nodeOf(victim).id)).toBe(before);
    expect(server.heard.streams).toEqual([]);
  });

  test("for its age names the release that is needed", async () => {
    const { server, join } = await lab();
    await using _server = server;
    const a = await join("a");
    const { status, body } = await askMap(a, { Stream: true, Version: 112 });
    expect(status).toBe(400);
    expect(body.toString()).toContain("1.80 or newer");
  });

  test.for([
    {
      says: "a Hostinfo that would break its peers",
      over: { Hostinfo: { Hostname: "a", Services: [{ Proto: "tcp", Port: "x" }] } },
    },
    { says: "a location that is none", over: { Hostinfo: { Hostname: "a", Location: "here" } } },
    { says: "half a disco key", over: { DiscoKey: "discokey:12" } },
    { says: "too many endpoints", over: { Endpoints: new Array(1000).fill("1.2.3.4:5") } },
  ])("for $says changes nothing", async ({ over }) => {
    const { server, join } = await lab();
    await using _server = server;
    const a = await join("a");
    const before = server.live.presence(server.nodeOf(a).id);
    expect((await askMap(a, { OmitPeers: true, ...over })).status).toBe(400);
    expect(server.live.presence(server.nodeOf(a).id)).toBe(before);
  });

  test("by a fault of the server's own is an HTTP error, never a 200 without a map", async () => {
    let broken = false;
    const dns = () => {
      if (broken) throw new Error("bug");
      return {};
    };
    const { server, join } = await lab({ live: { dns } });
    await using _server = server;
    const a = await join("a");
    broken = true;
    for (const over of [{ Stream: true }, {}]) {
      const { status, body } = await askMap(a, over);
      expect([status, body.toString()]).toEqual([500, "internal error"]);
    }
    broken = false;
    await using followed = await a.follow();
    await followed.until((map) => map.self !== undefined, "the first map");
    broken = true;
    server.live.dnsChanged();
    expect(await followed.ended).toBeInstanceOf(Error);
    expect(server.heard.failures).toEqual(new Array(3).fill("/machine/map: Error: bug"));
    expect(server.heard.streams.at(-1)).toBe("a ended failed");
    broken = false;
    expect((await a.fetchMap()).Node).toBeDefined();
  });
});

describe("a server that goes away", () => {
  test("ends its streams, and tells clients to take new requests elsewhere", async () => {
    const { server, join } = await lab();
    await using _server = server;
    const a = await join("a");
    const requests = new NoiseRequests(server.server, { machineKey: a.machineKey, version: a.version }, false);
    const session = await requests.session();
    const goaway = once(session, "goaway");
    const { stream } = await requests.open({
      method: "POST",
      path: "/machine/map",
      body: mapBody(a, { Stream: true }),
    });
    server.control.drain();
    const [code] = await goaway;
    expect(code).toBe(0);
    for await (const _chunk of bodyChunks(stream)) await turn();
    expect(server.heard.streams.at(-1)).toBe("a ended server");
    await expect.poll(() => server.control.connectionCount).toBe(0);
  });
});

describe("connections", () => {
  test("of one machine are limited, and others are not in the way", async () => {
    const { server, alice } = await lab({ control: { limits: { ...usualLimits, sessionsPerMachine: 2 } } });
    await using _server = server;
    const a = await server.joined(alice, "a");
    const again = () => server.client({ machineKey: a.machineKey, nodeKey: a.nodeKey });
    const second = again();
    await second.fetchMap();
    await expect(again().fetchMap()).rejects.toMatchObject({ status: 429 });
    await expect(server.client({ machineKey: a.machineKey, websocket: true }).fetchMap()).rejects.toMatchObject({
      status: 429,
    });
    await server.joined(alice, "b");
    await second.drop();
    await expect
      .poll(() =>
        again()
          .fetchMap()
          .then(
            () => "ok",
            () => "full",
          ),
      )
      .toBe("ok");
  });

  test("with a handshake that is none are refused as HTTP, also in browsers", async () => {
    const { server } = await lab();
    await using _server = server;
    for (const websocket of [false, true]) {
      const headers = websocket
        ? {
            connection: "Upgrade",
            upgrade: "websocket",
            "sec-websocket-version": "13",
            "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
          }
        : { connection: "Upgrade", upgrade: "tailscale-control-protocol", "x-tailscale-handshake": "AAAA" };
      const { request } = await import("node:http");
      const asked = request(`${server.url}/ts2021`, { method: websocket ? "GET" : "POST", headers }).end();
      const [response] = await once(asked, "response");
      expect(response.statusCode).toBe(400);
      response.resume();
    }
    expect(server.heard.refused).toHaveLength(2);
    expect(server.control.connectionCount).toBe(0);
  });
});
