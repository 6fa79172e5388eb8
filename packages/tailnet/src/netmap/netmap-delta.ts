import type { MapResponse, PeerChange, Node as WireNode } from "@headscale/tailcfg";
import type { Netmap } from "./netmap-for.ts";

const same = (a: unknown, b: unknown): boolean => a === b || JSON.stringify(a) === JSON.stringify(b);

/**
 * What has to be said to somebody who knows `before` so that it knows `after`; undefined = nothing. The slow and
 * obvious form: whole records for whatever differs.
 */
export function netmapDelta(before: Netmap, after: Netmap): MapResponse | undefined {
  const changed = [...after.peers.values()]
    .filter((peer) => !same(before.peers.get(peer.ID), peer))
    .sort((a, b) => a.ID - b.ID);
  const removed = [...before.peers.keys()].filter((id) => !after.peers.has(id)).sort((a, b) => a - b);
  const profiles = [...after.profiles.values()].filter(
    (profile) => !same(before.profiles.get(profile.ID), profile) || changed.some((peer) => peer.User === profile.ID),
  );
  const left = changed.flatMap((peer) => lastSeenPatch(before.peers.get(peer.ID), peer));
  const filters = filterDelta(before, after);
  const delta: MapResponse = {
    ...(!same(before.self, after.self) && { Node: after.self }),
    ...(!same(before.derpMap, after.derpMap) && { DERPMap: after.derpMap }),
    ...(!same(before.dns, after.dns) && { DNSConfig: after.dns }),
    ...(!same(before.ssh, after.ssh) && { SSHPolicy: after.ssh }),
    ...(before.domain !== after.domain && { Domain: after.domain }),
    ...(Object.keys(filters).length > 0 && { PacketFilters: filters }),
    ...(profiles.length > 0 && { UserProfiles: profiles }),
    ...(removed.length > 0 && { PeersRemoved: removed }),
    ...(changed.length > 0 && { PeersChanged: changed.map(explicit) }),
    ...(left.length > 0 && { PeersChangedPatch: left }),
  };
  return Object.keys(delta).length > 0 ? delta : undefined;
}

/** A replacement does not tell clients of a LastSeen where they had none; a patch does. */
function lastSeenPatch(before: WireNode | undefined, { ID, LastSeen }: WireNode): readonly PeerChange[] {
  if (!before || before.LastSeen !== undefined || LastSeen === undefined) return [];
  return [{ NodeID: ID, Online: false, LastSeen }];
}

/** Clients keep a peer's old endpoints when a replacement says none: an empty list clears them. */
export function explicit(peer: WireNode): WireNode {
  return peer.Endpoints === undefined ? { ...peer, Endpoints: [] } : peer;
}

/** Named filters that changed; null takes a name away. */
export function filterDelta(
  before: Pick<Netmap, "filters">,
  after: Pick<Netmap, "filters">,
): NonNullable<MapResponse["PacketFilters"]> {
  const delta: Record<string, Netmap["filters"][string] | null> = {};
  for (const [name, rules] of Object.entries(after.filters))
    if (!same(before.filters[name], rules)) delta[name] = rules;
  for (const name of Object.keys(before.filters)) if (!(name in after.filters)) delta[name] = null;
  return delta;
}
