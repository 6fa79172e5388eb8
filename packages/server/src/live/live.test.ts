import { parsePrefix } from "@headscale/netip";
import { defaultTailnetId, type Node, type NodeId, nodesOf } from "@headscale/tailnet";
import { createTailnet, deleteNode, deleteTailnet, deleteUser, setApprovedRoutes } from "@headscale/tailnet/commands";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { LiveLab } from "./live.fixture.ts";

const route = "10.0.0.0/24";

describe("what a node reports", () => {
  test("is known at once, and written down where it has to last", async () => {
    await using lab = await LiveLab.open();
    const node = await lab.join(await lab.user("alice"), { Hostname: "old" });
    await lab.report(node, { Hostname: "new", OS: "linux" });
    expect(lab.live.presence(node.id)).toMatchObject({ hostinfo: { OS: "linux" }, capVersion: 142 });
    expect(lab.node(node.id)).toMatchObject({ hostname: "new", name: "new" });
    expect(lab.store.changes.at(-1)).toMatchObject({ kind: "node-hostname-reported", actor: `node:${node.id}` });
  });

  test("is not written down again while it says the same", async () => {
    await using lab = await LiveLab.open();
    const node = await lab.join(await lab.user("alice"), { Hostname: "box" });
    await lab.report(node, { Hostname: "box", NetInfo: { DERPLatency: { "1-v4": 0.1 } } });
    const { length } = lab.store.changes;
    await lab.report(
      node,
      { Hostname: "box", NetInfo: { DERPLatency: { "1-v4": 0.2 } } },
      { Endpoints: ["1.2.3.4:5"] },
    );
    expect(lab.store.changes).toHaveLength(length);
  });

  test("is taken in though it cannot be written, and written with the next report", async () => {
    await using lab = await LiveLab.open();
    const node = await lab.join(await lab.user("alice"), { Hostname: "old" });
    lab.store.failure = new Error("disk full");
    await lab.report(node, { Hostname: "new" });
    expect(lab.errors).toEqual(["writing what a node reported"]);
    expect(lab.node(node.id)?.hostname).toBe("old");
    lab.store.failure = undefined;
    await lab.report(node, { Hostname: "new" });
    expect(lab.node(node.id)?.hostname).toBe("new");
    const { length } = lab.store.changes;
    await lab.report(node, { Hostname: "new" });
    expect(lab.store.changes).toHaveLength(length);
  });

  test("is nothing any more when the node is deleted meanwhile", async () => {
    await using lab = await LiveLab.open();
    const node = await lab.join(await lab.user("alice"), { Hostname: "old" });
    const deleted = lab.live.execute(deleteNode(node.id), "test");
    await lab.report(node, { Hostname: "new" });
    await deleted;
    await lab.report(node, { Hostname: "newer" });
    await lab.live[Symbol.asyncDispose]();
    expect(lab.store.presence.has(node.id)).toBe(false);
    expect(lab.errors).toEqual([]);
  });

  test("survives a registration that says nothing of the host", async () => {
    await using lab = await LiveLab.open();
    const node = await lab.join(await lab.user("alice"), { Hostname: "box" });
    await lab.report(node, { Hostname: "box", RoutableIPs: [route] });
    await lab.live.noteHostinfo(node, {}, 143);
    expect(lab.live.presence(node.id)).toMatchObject({ capVersion: 143, hostinfo: { RoutableIPs: [route] } });
  });
});

describe("presence", () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval"] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  const pass = async (lab: LiveLab, ms: number) => {
    lab.clock.now += ms;
    await vi.advanceTimersByTimeAsync(ms + 2);
  };
  const online = (lab: LiveLab, node: Node) => lab.live.presence(node.id).online;

  test("begins with a stream, and ends a grace period after the last one", async () => {
    await using lab = await LiveLab.open();
    const node = await lab.join(await lab.user("alice"));
    const session = lab.live.connect(node);
    expect(online(lab, node)).toBe(true);
    lab.live.disconnect(node.tailnet, session);
    await pass(lab, 9_000);
    expect(online(lab, node)).toBe(true);
    await pass(lab, 1_000);
    expect(lab.live.presence(node.id)).toMatchObject({ online: false, lastSeen: lab.clock.now });
  });

  test("does not flicker when a client reconnects", async () => {
    await using lab = await LiveLab.open();
    const node = await lab.join(await lab.user("alice"));
    const first = lab.live.connect(node);
    lab.live.disconnect(node.tailnet, first);
    await pass(lab, 5_000);
    lab.live.connect(node);
    await pass(lab, 60_000);
    expect(online(lab, node)).toBe(true);
  });

  test("is not ended by an old stream that goes after a new one has come", async () => {
    await using lab = await LiveLab.open();
    const node = await lab.join(await lab.user("alice"));
    const old = lab.live.connect(node);
    lab.live.connect(node);
    lab.live.disconnect(node.tailnet, old);
    await pass(lab, 60_000);
    expect(online(lab, node)).toBe(true);
  });

  test("tells listeners of every coming and going, once", async () => {
    await using lab = await LiveLab.open();
    const node = await lab.join(await lab.user("alice"));
    const stop = new AbortController();
    const news = lab.live.feed.news(stop.signal);
    const session = lab.live.connect(node);
    lab.live.connect(node);
    lab.live.disconnect(node.tailnet, session);
    expect((await news.next()).value).toMatchObject([{ kind: "node-online", id: node.id }]);
    stop.abort();
  });

  test("of an ephemeral node that stays away removes it, and not one that comes back", async () => {
    await using lab = await LiveLab.open();
    const alice = await lab.user("alice");
    const [gone, back] = [
      await lab.join(alice, { Hostname: "a" }, true),
      await lab.join(alice, { Hostname: "b" }, true),
    ];
    for (const node of [gone, back]) lab.live.disconnect(node.tailnet, lab.live.connect(node));
    await pass(lab, 10_000);
    lab.live.connect(back);
    await pass(lab, 60_000);
    await vi.advanceTimersByTimeAsync(10);
    expect([...lab.live.world.nodes.keys()]).toEqual([back.id]);
  });

  test("is removed with a node that never came, if it is ephemeral", async () => {
    await using lab = await LiveLab.open();
    const alice = await lab.user("alice");
    await lab.join(alice, { Hostname: "a" }, true);
    await lab.join(alice, { Hostname: "b" });
    await pass(lab, 60_000);
    expect(lab.live.world.nodes.size).toBe(1);
  });
});

describe("routers", () => {
  const routed = async (lab: LiveLab) => {
    const alice = await lab.user("alice");
    const nodes = [await lab.join(alice, { Hostname: "a" }), await lab.join(alice, { Hostname: "b" })] as [Node, Node];
    for (const node of nodes) {
      await lab.report(node, { Hostname: node.hostname, RoutableIPs: [route] });
      await lab.live.execute(setApprovedRoutes(node.id, [parsePrefix(route)]), "test");
      lab.live.connect(node);
    }
    return nodes;
  };
  const primary = (lab: LiveLab) => lab.live.tailnet(defaultTailnetId).routers.primaries.get(parsePrefix(route));

  test("are trusted again once they reconnect, whatever a probe found before", async () => {
    await using lab = await LiveLab.open();
    const [a, b] = await routed(lab);
    const tailnet = lab.live.tailnet(defaultTailnetId);
    tailnet.setHealth(a.id, false);
    tailnet.setHealth(b.id, false);
    expect(primary(lab)).toBe(b.id);
    lab.live.connect(a);
    expect(primary(lab)).toBe(a.id);
  });

  test("give their role to another when they are deleted", async () => {
    await using lab = await LiveLab.open();
    const [a, b] = await routed(lab);
    expect(primary(lab)).toBe(a.id);
    await lab.live.execute(deleteNode(a.id), "test");
    expect(primary(lab)).toBe(b.id);
  });
});

describe("committed changes", () => {
  test("of one tailnet that cannot be announced keep no news from anybody", async () => {
    const onNodeKey = () => {
      throw new Error("bug");
    };
    await using lab = await LiveLab.open({ onNodeKey });
    const alice = await lab.user("alice");
    const news = lab.live.feed.news(new AbortController().signal);
    const { id } = await lab.join(alice);
    expect(lab.errors).toEqual(["announcing a change of tailnet 1"]);
    const heard: readonly { kind: string }[] = (await news.next()).value ?? [];
    expect(heard.map(({ kind }) => kind)).toContain("node-registered");
    expect(lab.node(id)).toBeDefined();
    await news.return(undefined);
  });

  test("that remove a tailnet let go of all that ran for it", async () => {
    await using lab = await LiveLab.open();
    const other = await lab.live.execute(createTailnet("lab"), "test");
    lab.live.tailnet(other.id);
    await lab.live.execute(deleteTailnet(other.id), "test");
    expect([...lab.live.tailnets].map(({ id }) => id)).not.toContain(other.id);
    lab.live.dnsChanged();
    expect(lab.errors).toEqual([]);
  });

  test("that remove a node leave nothing of it in memory or on disk", async () => {
    await using lab = await LiveLab.open();
    const alice = await lab.user("alice");
    const node = await lab.join(alice);
    lab.live.connect(node);
    await lab.live.execute(deleteNode(node.id), "test");
    await lab.live.execute(deleteUser(alice.id), "test");
    lab.live.connect(node);
    await lab.live[Symbol.asyncDispose]();
    expect([lab.live.presence(node.id).online, lab.store.presence.size]).toEqual([false, 0]);
    expect(nodesOf(lab.live.world, defaultTailnetId)).toEqual([]);
  });
});

test("a server that stops writes what it knows of its nodes", async () => {
  const lab = await LiveLab.open();
  const node = await lab.join(await lab.user("alice"));
  await lab.report(node, { Hostname: "box" }, { Endpoints: ["1.2.3.4:5"] });
  await lab.live[Symbol.asyncDispose]();
  expect(lab.store.presence.get(1 as NodeId)).toMatchObject({ endpoints: ["1.2.3.4:5"] });
});
