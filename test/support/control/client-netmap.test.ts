import type { MapResponse, Node } from "@headscale/tailcfg";
import { DiscoKey, NodeKey } from "@headscale/tailcfg/keys";
import { describe, expect, test } from "vitest";
import { ClientNetmap } from "./client-netmap.ts";

const nodeKey = (byte: number) => NodeKey.fromBytes(new Uint8Array(32).fill(byte));
const discoKey = (byte: number) => DiscoKey.fromBytes(new Uint8Array(32).fill(byte));
const t1 = "2026-11-23T01:00:00Z";
const t2 = "2026-11-23T02:00:00Z";

function node(id: number, more: Partial<Node> = {}): Node {
  return {
    ID: id,
    StableID: `n${id}`,
    Name: `peer${id}.example.test.`,
    User: 1,
    Key: nodeKey(id),
    DiscoKey: discoKey(id),
    Addresses: [`100.64.0.${id}/32`],
    Endpoints: ["192.0.2.1:1"],
    HomeDERP: 1,
    Cap: 100,
    CapMap: { a: null },
    Hostinfo: { OS: "linux" },
    ...more,
  };
}

/** A map after a first message with self and `peers`, and after the further messages. */
function mapAfter(peers: readonly Node[], ...messages: readonly object[]): ClientNetmap {
  const netmap = new ClientNetmap();
  netmap.apply({ Node: node(1), Peers: peers });
  for (const message of messages) netmap.apply(message as MapResponse, Date.parse(t2));
  return netmap;
}

const only = (netmap: ClientNetmap) => netmap.peers.get(2);

describe("a client's peers", () => {
  test("are replaced as a whole by a full list, and by nothing else in that message", () => {
    const netmap = mapAfter([node(2), node(3)], { Peers: [node(4)], PeersRemoved: [4], PeersChanged: [node(5)] });
    expect([...netmap.peers.keys()]).toEqual([4]);
  });

  test.for([{ Peers: [] }, { Peers: null }, {}])("survive %j", (message) => {
    expect(mapAfter([node(2)], message).peers.size).toBe(1);
  });

  test("come and go", () => {
    const netmap = mapAfter([node(2)], { PeersChanged: [node(3)] }, { PeersRemoved: [2, 77] });
    expect([...netmap.peers.keys()]).toEqual([3]);
  });

  test("stay away when removed and added in one message", () => {
    expect(mapAfter([node(2)], { PeersRemoved: [2], PeersChanged: [node(2, { Cap: 101 })] }).peers.size).toBe(0);
  });

  test("are patched field by field", () => {
    const patch = { NodeID: 2, DERPRegion: 9, Endpoints: [], Online: false, LastSeen: t1, Cap: 101, Key: nodeKey(9) };
    expect(only(mapAfter([node(2)], { PeersChangedPatch: [patch] }))).toMatchObject({
      HomeDERP: 9,
      Endpoints: [],
      Online: false,
      LastSeen: t1,
      Cap: 101,
      Key: nodeKey(9),
      CapMap: { a: null },
    });
  });

  test("are not made by patches", () => {
    const netmap = mapAfter([], { PeersChangedPatch: [{ NodeID: 2, Online: true }], OnlineChange: { 3: true } });
    expect(netmap.peers.size).toBe(0);
  });

  test("follow the older presence fields", () => {
    expect(only(mapAfter([node(2)], { OnlineChange: { 2: true }, PeerSeenChange: { 2: true } }))).toMatchObject({
      Online: true,
      LastSeen: new Date(t2).toISOString(),
    });
    expect(only(mapAfter([node(2, { LastSeen: t1 })], { PeerSeenChange: { 2: false } }))?.LastSeen).toBeUndefined();
  });

  test("have AllowedIPs even when none are sent", () => {
    expect(only(mapAfter([node(2)]))?.AllowedIPs).toEqual(["100.64.0.2/32"]);
    expect(only(mapAfter([node(2, { AllowedIPs: [] })]))?.AllowedIPs).toEqual([]);
  });
});

describe("a replacement that differs in patchable fields only", () => {
  test.for([
    { says: "Online from absent", was: {}, next: { Online: true }, lost: { Online: undefined } },
    { says: "Online to absent", was: { Online: true }, next: {}, lost: { Online: true } },
    { says: "LastSeen from absent", was: {}, next: { LastSeen: t1 }, lost: { LastSeen: undefined } },
    { says: "LastSeen to absent", was: { LastSeen: t1 }, next: {}, lost: { LastSeen: t1 } },
    { says: "Endpoints to absent", was: {}, next: { Endpoints: undefined }, lost: { Endpoints: ["192.0.2.1:1"] } },
    { says: "HomeDERP to zero", was: {}, next: { HomeDERP: 0 }, lost: { HomeDERP: 1 } },
    { says: "Cap to absent", was: {}, next: { Cap: undefined }, lost: { Cap: 100 } },
    { says: "KeySignature to absent", was: { KeySignature: "AA==" }, next: {}, lost: { KeySignature: "AA==" } },
  ])("loses $says", ({ was, next, lost }) => {
    const changed = mapAfter([node(2, was)], { PeersChanged: [node(2, next as Partial<Node>)] });
    const [field, value] = Object.entries(lost)[0] as [keyof Node, unknown];
    expect(only(changed)?.[field]).toEqual(value);
  });

  test.for([
    { says: "Online", was: { Online: true }, next: { Online: false } },
    { says: "LastSeen", was: { LastSeen: t1 }, next: { LastSeen: t2 } },
    { says: "cleared Endpoints", was: {}, next: { Endpoints: [] } },
    { says: "another node key", was: {}, next: { Key: nodeKey(8) } },
    { says: "another capability map", was: {}, next: { CapMap: { a: null, b: [1] } } },
    { says: "a key expiry", was: {}, next: { KeyExpiry: t2 } },
  ])("brings $says", ({ was, next }) => {
    const changed = mapAfter([node(2, was)], { PeersChanged: [node(2, { ...was, ...next })] });
    expect(only(changed)).toMatchObject(next);
  });

  test("clears a capability map that it leaves out", () => {
    const { CapMap, ...without } = node(2);
    expect(only(mapAfter([node(2)], { PeersChanged: [without] }))?.CapMap).toEqual({});
  });

  test("is taken as sent once any other field differs too", () => {
    const { Endpoints, Cap, ...without } = node(2, { Name: "renamed.example.test." });
    const peer = only(mapAfter([node(2, { Online: true })], { PeersChanged: [without] }));
    expect([peer?.Name, peer?.Online, peer?.Endpoints, peer?.Cap]).toEqual([
      "renamed.example.test.",
      undefined,
      undefined,
      undefined,
    ]);
  });
});

describe("a disco key the client may hold for newer", () => {
  const known = node(2, { LastSeen: t2, Online: false });
  const late = { NodeID: 2, DiscoKey: discoKey(9), Online: false };

  test.for([
    { says: "older", patch: { ...late, LastSeen: t1 }, version: 145, taken: false },
    { says: "equally old", patch: { ...late, LastSeen: t2 }, version: 138, taken: false },
    { says: "older, for a client before 1.98", patch: { ...late, LastSeen: t1 }, version: 133, taken: true },
    { says: "of an online peer", patch: { ...late, Online: true, LastSeen: t1 }, version: 145, taken: true },
    { says: "without LastSeen", patch: late, version: 145, taken: true },
  ])("is dropped or taken: $says", ({ patch, version, taken }) => {
    const netmap = new ClientNetmap(version);
    netmap.apply({ Node: node(1), Peers: [known] });
    netmap.apply({ PeersChangedPatch: [patch] });
    expect(only(netmap)?.DiscoKey).toBe(discoKey(taken ? 9 : 2));
  });

  test("outlives a full list about an offline peer", () => {
    const list = { Peers: [node(2, { DiscoKey: discoKey(9), Online: false, LastSeen: t1 })] };
    expect(only(mapAfter([known], list))).toMatchObject({ DiscoKey: discoKey(2), LastSeen: t2 });
  });
});

describe("a client's other knowledge", () => {
  const rule = { SrcIPs: ["*"] };

  test("keeps what a message does not mention", () => {
    const netmap = mapAfter([], { Domain: "example.test", DNSConfig: { Proxied: true }, SSHPolicy: { rules: [] } }, {});
    expect(netmap.snapshot()).toMatchObject({ domain: "example.test", dns: { Proxied: true }, ssh: { rules: [] } });
  });

  test.for([
    { says: "adds a name", patch: { b: [rule] }, names: ["base", "b"] },
    { says: "deletes a name", patch: { base: null }, names: [] },
    { says: "clears first, wherever the star stands", patch: { b: [rule], "*": null }, names: ["b"] },
  ])("$says among the packet filters", ({ patch, names }) => {
    const netmap = mapAfter([], { PacketFilter: [rule] }, { PacketFilters: patch });
    expect([...netmap.filters.keys()]).toEqual(names);
  });

  test("joins filters by name", () => {
    const netmap = mapAfter([], { PacketFilters: { b: [{ SrcIPs: ["b"] }], a: [{ SrcIPs: ["a"] }] } });
    expect(netmap.packetFilter.map(({ SrcIPs }) => SrcIPs[0])).toEqual(["a", "b"]);
  });

  test("merges relay maps part by part", () => {
    const region = { RegionID: 1, RegionCode: "one", RegionName: "One", Nodes: [] };
    const netmap = mapAfter(
      [],
      { DERPMap: { Regions: { 1: region, 2: null } } },
      { DERPMap: { HomeParams: { RegionScore: { 1: 2 } } } },
    );
    expect(netmap.derpMap).toEqual({ Regions: { 1: region }, HomeParams: { RegionScore: { 1: 2 } } });
  });

  test("shows the profiles of nodes it knows", () => {
    const profiles = [1, 2].map((ID) => ({ ID, LoginName: `u${ID}`, DisplayName: "" }));
    expect(mapAfter([], { UserProfiles: profiles }).snapshot().profiles).toEqual([profiles[0]]);
  });

  test("ignores everything else in a keep-alive", () => {
    expect(mapAfter([], { KeepAlive: true, Domain: "example.test" }).domain).toBe("");
  });
});

describe("rebuilds", () => {
  test.for([
    { says: "presence", message: { PeersChangedPatch: [{ NodeID: 2, Online: true, LastSeen: t1 }] }, from: 999 },
    {
      says: "endpoints and home",
      message: { PeersChangedPatch: [{ NodeID: 2, Endpoints: [], DERPRegion: 2 }] },
      from: 999,
    },
    { says: "a key", message: { PeersChangedPatch: [{ NodeID: 2, Key: nodeKey(7) }] }, from: 0 },
    { says: "a replaced peer", message: { PeersChanged: [node(3)] }, from: 0, to: 141 },
    { says: "an equal peer", message: { PeersChanged: [node(2)] }, from: 999 },
    { says: "a peer removed", message: { PeersRemoved: [2] }, from: 0, to: 141 },
    { says: "no peers removed, in so many words", message: { PeersRemoved: [] }, from: 0, to: 141 },
    { says: "filters", message: { PacketFilters: { base: [] } }, from: 0, to: 141 },
    { says: "an empty list of peers", message: { Peers: [] }, from: 0 },
    { says: "DNS", message: { DNSConfig: {} }, from: 0 },
    { says: "a domain", message: { Domain: "x" }, from: 0 },
    { says: "no collecting of services", message: { CollectServices: false }, from: 0 },
  ])("are forced by $says only in clients that can't do without", ({ message, from, to = 1000 }) => {
    for (const version of [113, 138, 141, 145]) {
      const netmap = new ClientNetmap(version);
      netmap.apply({ Node: node(1), Peers: [node(2)] });
      netmap.apply(message as MapResponse);
      expect(netmap.rebuilds - 1, `version ${version}`).toBe(version >= from && version < to ? 1 : 0);
    }
  });
});

describe("snapshot", () => {
  test("is the same for every spelling of the same state", () => {
    const { AllowedIPs, ...bare } = node(2, { Created: "2026-11-23T03:00:00+02:00" });
    const spelt = { ...bare, AllowedIPs: bare.Addresses, Created: "2026-11-23T01:00:00Z", Tags: [], Expired: false };
    expect(mapAfter([spelt]).snapshot().peers).toEqual(mapAfter([bare]).snapshot().peers);
  });
});
