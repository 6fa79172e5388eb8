import { NodeKey } from "@headscale/tailcfg/keys";
import { describe, expect, test } from "vitest";
import { Server } from "#change/server.fixture.ts";
import { netmapDelta } from "./netmap-delta.ts";
import { type Netmap, netmapFor } from "./netmap-for.ts";
import { viewOf } from "./view.fixture.ts";

function sample(): Netmap {
  const server = new Server();
  const alice = server.user("alice");
  const viewer = server.join(alice, { Hostname: "a" });
  server.join(alice, { Hostname: "b" });
  server.join(server.user("bob"), { Hostname: "c" });
  return netmapFor(viewOf(server, new Map()), viewer);
}
const withPeers = (map: Netmap, change: (peers: Map<number, ReturnType<Netmap["peers"]["get"]>>) => void): Netmap => {
  const peers = new Map(map.peers);
  change(peers as never);
  return { ...map, peers };
};

describe("netmapDelta", () => {
  test("is nothing between equal maps", () => {
    expect(netmapDelta(sample(), sample())).toBeUndefined();
  });

  test("sends a changed peer whole, with its owner, and clears endpoints that are gone", () => {
    const before = sample();
    const after = withPeers(before, (peers) => peers.set(3, { ...peers.get(3), Key: NodeKey.zero } as never));
    expect(netmapDelta(before, after)).toEqual({
      UserProfiles: [after.profiles.get(2)],
      PeersChanged: [{ ...after.peers.get(3), Endpoints: [] }],
    });
  });

  test("takes a peer away by its id, and never in a message that brings it", () => {
    const before = sample();
    const after = withPeers(before, (peers) => peers.delete(2));
    expect(netmapDelta(before, after)).toEqual({ PeersRemoved: [2] });
    expect(netmapDelta(after, before)).not.toHaveProperty("PeersRemoved");
  });

  test("takes a filter away by null", () => {
    const before = { ...sample(), filters: { base: [], extra: [{ SrcIPs: ["*"] }] } };
    expect(netmapDelta(before, { ...before, filters: { base: [] } })).toEqual({ PacketFilters: { extra: null } });
  });

  test("sends no empty list: clients build their whole map anew for one", () => {
    const before = sample();
    const after = { ...before, domain: "other.test" };
    expect(netmapDelta(before, after)).toEqual({ Domain: "other.test" });
  });
});
