import { zstdDecompressSync } from "node:zlib";
import type { MapResponse } from "@headscale/tailcfg";
import { defaultTailnetId, type Node } from "@headscale/tailnet";
import { deleteNode, renameNode } from "@headscale/tailnet/commands";
import { describe, expect, test } from "vitest";
import { LiveLab } from "./live.fixture.ts";
import { touch, touchSelf } from "./touch.ts";

/** A message of one zstd frame; a first map with peers has several and is not for this. */
const messageOf = (pieces: readonly Uint8Array[]): MapResponse => {
  const frame = Buffer.concat(pieces);
  expect(frame.readUInt32LE(0)).toBe(frame.length - 4);
  return JSON.parse(zstdDecompressSync(frame.subarray(4)).toString()) as MapResponse;
};

async function lab(keepAliveMs = 60_000) {
  const limits = {
    maxWaitingCommands: 1000,
    offlineGraceMs: 0,
    ephemeralInactivityMs: 60_000,
    presenceFlushMs: 1e9,
    feedBacklog: 4096,
  };
  const setup = await LiveLab.open({ timing: { keepAliveMs: () => keepAliveMs, coalesceMs: 0 }, limits });
  const alice = await setup.user("alice");
  const nodes = [await setup.join(alice, { Hostname: "a" }), await setup.join(alice, { Hostname: "b" })] as [
    Node,
    Node,
  ];
  for (const node of nodes) await setup.report(node, { Hostname: node.hostname });
  const session = setup.live.connect(nodes[0]);
  const stop = new AbortController();
  const frames = session.frames(stop.signal);
  const next = async () => {
    const { value } = await frames.next();
    return value && messageOf(value);
  };
  await frames.next();
  return { setup, live: setup.live, nodes, session, stop, frames, next };
}

describe("a map session", () => {
  test("tells a reader who slept through a thousand changes about them in one message", async () => {
    const { setup, live, nodes, next, frames } = await lab();
    await using _live = setup;
    for (let i = 0; i < 1000; i++) {
      if (i % 2 === 0) await live.execute(renameNode(nodes[1].id, `b${i}`), "test");
      else await setup.report(nodes[1], { Hostname: "b" }, { Endpoints: [`192.0.2.1:${i}`] });
    }
    const message = await next();
    expect(message?.PeersChanged).toMatchObject([
      { ID: nodes[1].id, Name: "b998.example.test.", Endpoints: ["192.0.2.1:999"] },
    ]);
    live.setDerpMap({ Regions: { "1": { RegionID: 1, RegionCode: "x", RegionName: "x", Nodes: [] } } });
    expect(Object.keys((await next()) ?? {})).toEqual(["DERPMap"]);
    await frames.return(undefined);
  });

  test("patches what clients can patch, and puts nothing beside it that makes them build their map anew", async () => {
    const { setup, nodes, next, frames } = await lab();
    await using _live = setup;
    await setup.report(nodes[1], { Hostname: "b" }, { Endpoints: ["192.0.2.1:1"] });
    setup.live.connect(nodes[1]);
    const message = await next();
    expect(Object.keys(message ?? {})).toEqual(["PeersChangedPatch"]);
    expect(message?.PeersChangedPatch).toEqual([{ NodeID: nodes[1].id, Endpoints: ["192.0.2.1:1"], Online: true }]);
    await frames.return(undefined);
  });

  test("says since when a peer is gone also beside its whole record, of which clients would not take it", async () => {
    const { setup, live, nodes, next, frames } = await lab();
    await using _live = setup;
    const other = live.connect(nodes[1]);
    await next();
    await live.execute(renameNode(nodes[1].id, "bb"), "test");
    live.disconnect(nodes[1].tailnet, other);
    setup.clock.now += 1;
    await expect.poll(() => live.presence(nodes[1].id).online).toBe(false);
    const message = await next();
    expect(message?.PeersChanged).toHaveLength(1);
    const LastSeen = new Date(live.presence(nodes[1].id).lastSeen ?? 0).toISOString();
    expect(message?.PeersChangedPatch).toEqual([{ NodeID: nodes[1].id, Online: false, LastSeen }]);
    await frames.return(undefined);
  });

  test("takes a peer away and never brings it back in the same message", async () => {
    const { setup, live, nodes, next, frames } = await lab();
    await using _live = setup;
    await live.execute(renameNode(nodes[1].id, "bb"), "test");
    await live.execute(deleteNode(nodes[1].id), "test");
    expect(await next()).toEqual({ PeersRemoved: [nodes[1].id] });
    await frames.return(undefined);
  });

  test("says nothing of a peer that came and went between two messages", async () => {
    const { setup, live, next, frames } = await lab();
    await using _live = setup;
    const guest = await setup.join(await setup.user("bob"), { Hostname: "guest" });
    await live.execute(deleteNode(guest.id), "test");
    live.dnsChanged();
    expect(await next()).toEqual({ DNSConfig: { Proxied: true } });
    await frames.return(undefined);
  });

  test("is kept alive though it is rung all the time for nothing", async () => {
    const { setup, session, next, frames } = await lab(30);
    await using _live = setup;
    const bell = setInterval(() => {
      session.touchSelf(touchSelf.filters);
      session.touchPeer(9999, touch.record);
    }, 2);
    expect(await next()).toEqual({ KeepAlive: true });
    clearInterval(bell);
    await frames.return(undefined);
  });

  test("sends its pings one by one, each with a message of its own", async () => {
    const { setup, session, next, frames } = await lab();
    await using _live = setup;
    for (const URL of ["https://x/1", "https://x/2"]) session.ping({ URL });
    expect([await next(), await next()]).toEqual([
      { PingRequest: { URL: "https://x/1" } },
      { PingRequest: { URL: "https://x/2" } },
    ]);
    await frames.return(undefined);
  });

  test("says its last words to a node that is deleted, and ends", async () => {
    const { setup, live, nodes, next, frames } = await lab();
    await using _live = setup;
    await live.execute(deleteNode(nodes[0].id), "test");
    expect(await next()).toMatchObject({ Node: { ID: nodes[0].id, Expired: true, MachineAuthorized: false } });
    expect((await frames.next()).done).toBe(true);
  });

  test("ends at once when its client goes, and after what it has to say when the server wants it to", async () => {
    const { setup, live, nodes, session, stop, frames, next } = await lab();
    await using _live = setup;
    await live.execute(renameNode(nodes[1].id, "bb"), "test");
    session.end();
    expect((await next())?.PeersChanged).toHaveLength(1);
    expect((await frames.next()).done).toBe(true);
    const other = live.tailnet(defaultTailnetId).peek(nodes[0].id).frames(stop.signal);
    await other.next();
    stop.abort();
    expect((await other.next()).done).toBe(true);
  });
});
