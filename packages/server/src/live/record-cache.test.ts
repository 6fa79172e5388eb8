import { zstdDecompressSync } from "node:zlib";
import { parsePrefix } from "@headscale/netip";
import type { NodeRoutes } from "@headscale/policy";
import { MachineKey, NodeKey } from "@headscale/tailcfg/keys";
import {
  CowMap,
  defaultTailnetId,
  emptyWorld,
  type Node,
  type NodeId,
  type UserId,
  unknownPresence,
} from "@headscale/tailnet";
import { explicit, type NetmapView, peerRecord } from "@headscale/tailnet/netmap";
import { describe, expect, test } from "vitest";
import { noRoutes, RecordCache } from "./record-cache.ts";

const bytes = (n: number) => new Uint8Array(32).fill(n & 255).map((b, i) => (i === 0 ? n >> 8 : b));
const node = (id: number, name = `h${id}`): Node => ({
  id: id as NodeId,
  tailnet: defaultTailnetId,
  machineKey: MachineKey.fromBytes(bytes(id)),
  nodeKey: NodeKey.fromBytes(bytes(id)),
  hostname: name,
  name,
  renamed: false,
  owner: { kind: "user", userId: 1 as UserId },
  ephemeral: false,
  registerMethod: "cli",
  approvedRoutes: [],
  createdAt: 0,
});

/** A tailnet of plain nodes, whose rows tests change under the cache. */
class Lab {
  readonly cache = new RecordCache();
  nodes = new Map<number, Node>();
  reads = 0;

  constructor(count: number) {
    for (let id = 1; id <= count; id++) this.nodes.set(id, node(id));
  }

  get view(): NetmapView {
    return {
      world: { ...emptyWorld, nodes: CowMap.from([...this.nodes].map(([id, row]) => [id as NodeId, row])) },
      tailnet: { id: defaultTailnetId, name: "default", createdAt: 0 },
      policy: {
        visibleAddresses: () => {
          this.reads++;
          return [];
        },
        peerCapabilities: () => ({}),
      } as unknown as NetmapView["policy"],
      settings: { baseDomain: "example.test", selfCapabilities: {}, logtail: false },
      derpMap: { Regions: {} },
      now: 0,
      presence: () => unknownPresence,
      dns: {},
    };
  }

  /** The list that a client would read. */
  list(
    viewer: number,
    peers: readonly number[],
    routesOf: (id: number) => NodeRoutes | undefined = () => undefined,
  ): unknown {
    const pieces = this.cache.peerPieces(this.view, viewer, peers, routesOf);
    return JSON.parse(`[${pieces.map((piece) => zstdDecompressSync(piece).toString()).join("")}]`);
  }

  /** The same, from nothing. */
  plain(
    viewer: number,
    peers: readonly number[],
    routesOf: (id: number) => NodeRoutes | undefined = () => undefined,
  ): unknown {
    const { view } = this;
    const rows = peers.filter((id) => id !== viewer && this.nodes.has(id)).map((id) => this.nodes.get(id) as Node);
    return JSON.parse(JSON.stringify(rows.map((row) => explicit(peerRecord(view, row, routesOf(row.id) ?? noRoutes)))));
  }
}
const upTo = (count: number) => Array.from({ length: count }, (_, i) => i + 1);
const routes: NodeRoutes = { allowed: [parsePrefix("10.0.0.0/24")], primary: [parsePrefix("10.0.0.0/24")] };

describe("peerPieces", () => {
  test.for([
    { says: "nobody", count: 0, viewer: 1 },
    { says: "only the viewer itself", count: 1, viewer: 1 },
    { says: "two", count: 2, viewer: 1 },
    { says: "one chunk", count: 63, viewer: 999 },
    { says: "a little more than one chunk", count: 65, viewer: 999 },
    { says: "many chunks", count: 300, viewer: 150 },
    { says: "a first chunk that holds only the viewer", count: 64, viewer: 64 },
  ])("of $says are the list that one would make from nothing", ({ count, viewer }) => {
    const lab = new Lab(count);
    const peers = upTo(count);
    expect(lab.list(viewer, peers)).toEqual(lab.plain(viewer, peers));
    expect(lab.list(viewer, peers)).toEqual(lab.plain(viewer, peers));
  });

  test("leave no comma where the first chunk turns out empty", () => {
    const lab = new Lab(130);
    const peers = [5, ...upTo(130).filter((id) => id >= 64)];
    expect(lab.list(5, peers)).toEqual(lab.plain(5, peers));
    lab.nodes.delete(5);
    expect(lab.list(999, peers)).toEqual(lab.plain(999, peers));
  });

  test("give a viewer its own routes, and others none of them", () => {
    const lab = new Lab(100);
    const peers = upTo(100);
    const own = (id: number) => (id === 70 ? routes : undefined);
    expect(lab.list(1, peers, own)).toEqual(lab.plain(1, peers, own));
    expect(lab.list(2, peers)).toEqual(lab.plain(2, peers));
  });

  test("make shared chunks once for all viewers of a list", () => {
    const lab = new Lab(300);
    const peers = upTo(300);
    lab.list(900, peers);
    const { reads } = lab;
    lab.list(901, peers);
    lab.list(902, peers);
    expect(lab.reads).toBe(reads);
  });

  test("make anew what has changed, and that alone", () => {
    const lab = new Lab(300);
    const peers = upTo(300);
    lab.list(900, peers);
    lab.nodes.set(100, node(100, "renamed"));
    lab.cache.invalidate(100);
    const { reads } = lab;
    expect((lab.list(901, peers) as { Name: string }[])[99]?.Name).toBe("renamed.example.test.");
    expect(lab.reads - reads).toBe(1);
    expect(lab.list(902, peers)).toEqual(lab.plain(902, peers));
  });

  test("make everything anew when everything changed", () => {
    const lab = new Lab(10);
    const peers = upTo(10);
    lab.list(900, peers);
    for (const id of peers) lab.nodes.set(id, node(id, `new${id}`));
    lab.cache.invalidateAll();
    expect(lab.list(900, peers)).toEqual(lab.plain(900, peers));
  });
});

describe("text", () => {
  test("is made once per version and set of routes", () => {
    const lab = new Lab(1);
    const plain = lab.cache.text(lab.view, 1, noRoutes);
    const routed = lab.cache.text(lab.view, 1, routes);
    expect([lab.cache.text(lab.view, 1, noRoutes), lab.cache.text(lab.view, 1, routes)]).toEqual([plain, routed]);
    expect(lab.reads).toBe(2);
    expect(routed).toContain("10.0.0.0/24");
    expect(plain).not.toContain("10.0.0.0/24");
  });

  test("of a node that is gone is nothing", () => {
    const lab = new Lab(1);
    lab.cache.text(lab.view, 1, noRoutes);
    lab.nodes.delete(1);
    lab.cache.forget(1);
    expect(lab.cache.text(lab.view, 1, noRoutes)).toBeUndefined();
  });

  test("says that there are no endpoints rather than nothing: clients would keep the old ones", () => {
    const lab = new Lab(1);
    expect(JSON.parse(lab.cache.text(lab.view, 1, noRoutes) ?? "")).toMatchObject({ Endpoints: [] });
  });
});
