import { type Prefix, singlePrefix } from "@headscale/netip";
import type { NodeRoutes } from "@headscale/policy";
import type { CapMap, Hostinfo, Node as WireNode } from "@headscale/tailcfg";
import { formatGoTime } from "@headscale/tailcfg/codec";
import { fqdnOf, suffixOf } from "#names/fqdn.ts";
import { isExpired, type Node, tagsOf, userIdOf } from "#nodes/node.ts";
import { taggedDevicesUserId } from "#world/ids.ts";
import type { NetmapView } from "./view.ts";

/** Text that stays the same for a node's whole life; clients keep exit-node choices by it. */
export function stableIdOf(node: Node): string {
  return String(node.id);
}

/** Peers learn only what some feature needs. Source: captures of the hosted service; control protocol "what to show peers". */
const hostinfoForPeers = [
  "OS",
  "Hostname",
  "Services",
  "Location",
  "sshHostKeys",
  "ShareeNode",
  "PeerRelay",
  "AppConnector",
] as const;

export function shownHostinfo(hostinfo: Hostinfo): Hostinfo {
  return Object.fromEntries(
    hostinfoForPeers.flatMap((name) => (hostinfo[name] === undefined ? [] : [[name, hostinfo[name]]])),
  );
}

/** What the record of a node says to itself and to everybody else alike. */
function commonRecord(view: NetmapView, node: Node, routes: NodeRoutes) {
  const addresses: readonly Prefix[] = view.policy.visibleAddresses(node.id).map(singlePrefix);
  return {
    ID: node.id,
    StableID: stableIdOf(node),
    Name: fqdnOf(node.name, suffixOf(view.tailnet, view.settings.baseDomain)),
    User: userIdOf(node) ?? taggedDevicesUserId,
    Key: node.nodeKey,
    ...(node.expiry !== undefined && { KeyExpiry: formatGoTime(node.expiry) }),
    Addresses: addresses,
    AllowedIPs: [...addresses, ...routes.allowed],
    ...(routes.primary.length > 0 && { PrimaryRoutes: routes.primary }),
    Created: formatGoTime(node.createdAt),
    ...(node.owner.kind === "tags" && { Tags: tagsOf(node) }),
    ...(isExpired(node, view.now) && { Expired: true }),
  } satisfies WireNode;
}

/** The node as a viewer that gets `routes` of it sees it. */
export function peerRecord(view: NetmapView, node: Node, routes: NodeRoutes): WireNode {
  const presence = view.presence(node.id);
  const capMap = view.policy.peerCapabilities(node.id);
  return {
    ...commonRecord(view, node, routes),
    ...(presence.discoKey !== undefined && { DiscoKey: presence.discoKey }),
    ...(presence.endpoints.length > 0 && { Endpoints: presence.endpoints }),
    ...(presence.homeDerp !== 0 && { HomeDERP: presence.homeDerp }),
    Hostinfo: shownHostinfo(presence.hostinfo),
    ...(presence.capVersion !== 0 && { Cap: presence.capVersion }),
    Online: presence.online,
    ...(!presence.online && presence.lastSeen !== undefined && { LastSeen: formatGoTime(presence.lastSeen) }),
    ...(Object.keys(capMap).length > 0 && { CapMap: capMap }),
  };
}

/**
 * The node as it sees itself. What it reported itself (endpoints, home, Hostinfo) is left out: it knows, and a record that
 * changed with every report would make the client build its whole map anew each time.
 */
export function selfRecord(view: NetmapView, node: Node): WireNode {
  return {
    ...commonRecord(view, node, view.policy.selfRoutes(node.id)),
    Machine: node.machineKey,
    Hostinfo: {},
    Online: true,
    MachineAuthorized: !isExpired(node, view.now),
    CapMap: selfCapabilities(view, node),
  };
}

function selfCapabilities(view: NetmapView, node: Node): CapMap {
  return {
    ...view.settings.selfCapabilities,
    "tailnet-display-name": [suffixOf(view.tailnet, view.settings.baseDomain) || view.tailnet.name],
    ...view.policy.selfCapabilities(node.id),
  };
}
