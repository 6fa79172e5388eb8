import type { PacketFilters } from "@headscale/policy";
import type { DERPMap, DNSConfig, MapResponse, SSHPolicy, UserProfile, Node as WireNode } from "@headscale/tailcfg";
import { formatGoTime } from "@headscale/tailcfg/codec";
import { dnsConfigFor } from "#dns/dns-config.ts";
import { suffixOf } from "#names/fqdn.ts";
import type { Node } from "#nodes/node.ts";
import type { NodeId } from "#world/ids.ts";
import { derpMapFor } from "./derp-map.ts";
import { ownerProfile } from "./profiles.ts";
import { peerRecord, selfRecord } from "./record.ts";
import type { NetmapView } from "./view.ts";

/** All that one node is to know, as if sent for the first time: the slow and obvious form. */
export interface Netmap {
  readonly self: WireNode;
  readonly peers: ReadonlyMap<number, WireNode>;
  readonly profiles: ReadonlyMap<number, UserProfile>;
  readonly filters: PacketFilters;
  readonly ssh: SSHPolicy;
  readonly dns: DNSConfig;
  readonly derpMap: DERPMap;
  readonly domain: string;
}

/** No SSH rules: sent rather than nothing, so that clients forget older ones. */
export const noSshRules: SSHPolicy = { rules: [] };

/** What comes in to a node that shields itself. */
const shielded: PacketFilters = { base: [] };

export function filtersFor(view: NetmapView, node: Node): PacketFilters {
  return view.presence(node.id).hostinfo.ShieldsUp === true ? shielded : view.policy.packetFilters(node.id);
}

/** The tailnet's name as clients show it: its MagicDNS suffix, or the bare name without one. */
export function domainOf(view: NetmapView): string {
  return suffixOf(view.tailnet, view.settings.baseDomain) || view.tailnet.name;
}

/** The map of `viewer`, computed from nothing. Shared state: none. Cost: every peer. */
export function netmapFor(view: NetmapView, viewer: Node): Netmap {
  const peers = new Map<number, WireNode>();
  const profiles = new Map<number, UserProfile>([
    [ownerProfile(view.world, viewer).ID, ownerProfile(view.world, viewer)],
  ]);
  for (const id of view.policy.peersOf(viewer.id)) {
    const peer = id === viewer.id ? undefined : view.world.nodes.get(id as NodeId);
    if (!peer) continue;
    peers.set(id, peerRecord(view, peer, view.policy.routesFor(viewer.id, id)));
    const profile = ownerProfile(view.world, peer);
    profiles.set(profile.ID, profile);
  }
  return {
    self: selfRecord(view, viewer),
    peers,
    profiles,
    filters: filtersFor(view, viewer),
    ssh: view.policy.sshPolicy(viewer.id) ?? noSshRules,
    dns: dnsConfigFor(view, viewer),
    derpMap: derpMapFor(view.derpMap, view.presence(viewer.id).capVersion),
    domain: domainOf(view),
  };
}

/** Everything of a first message but the peers. */
export function headOf(view: NetmapView, map: Omit<Netmap, "peers">): MapResponse {
  return {
    ControlTime: formatGoTime(view.now),
    Node: map.self,
    DERPMap: map.derpMap,
    Domain: map.domain,
    CollectServices: false,
    Debug: { DisableLogTail: !view.settings.logtail },
    DNSConfig: map.dns,
    PacketFilters: map.filters,
    SSHPolicy: map.ssh,
    UserProfiles: [...map.profiles.values()],
  };
}

/** The first message of a stream. */
export function firstMessage(view: NetmapView, map: Netmap): MapResponse {
  const peers = [...map.peers.values()].sort((a, b) => a.ID - b.ID);
  return { ...headOf(view, map), ...(peers.length > 0 && { Peers: peers }) };
}
