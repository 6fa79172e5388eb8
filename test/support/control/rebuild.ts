import type { MapResponse } from "@headscale/tailcfg";
import type { PeerFields } from "./peer-table.ts";
import { isNone, isZero } from "./wire-equality.ts";

/** First version that takes whole peers, removals, filters and profiles without a rebuild (1.100). */
const widePathVersion = 141;

/** Present in a message, even empty, they cost a rebuild in every client. tailscale types/netmap/nodemut.go@de9ec7ee */
const heavy = ["Node", "DERPMap", "DNSConfig", "Health", "DisplayMessages", "SSHPolicy", "TKAInfo", "Debug", "Peers"];
const heavyScalars = ["Domain", "CollectServices", "DomainDataPlaneAuditLogID", "DefaultAutoUpdate"];
const heavyMeta = ["ControlDialPlan", "ClientVersion"];
/** And these in clients before 1.100. tailscale types/netmap/nodemut.go@v1.98.0 */
const heavyOnce = ["PacketFilter", "PacketFilters", "UserProfiles", "PeersRemoved"];

const cheapPatchFields = new Set(["NodeID", "DERPRegion", "Endpoints", "Online", "LastSeen"]);

/** Whether a client of that version rebuilds its whole map on this message: a cost of O(peers) that deltas should spare. */
export function forcesRebuild(message: MapResponse, peers: PeerFields, version: number): boolean {
  const fields = message as Readonly<Record<string, unknown>>;
  const present = (names: readonly string[]) => names.some((name) => !isNone(fields[name]));
  if (present([...heavy, ...heavyMeta])) return true;
  if (heavyScalars.some((name) => fields[name] === false || !isZero(fields[name]))) return true;
  if (version < widePathVersion && (present(heavyOnce) || peers.PeersChanged.length > 0)) return true;
  return peers.patches.some((patch) =>
    Object.entries(patch).some(([name, value]) => !cheapPatchFields.has(name) && !isNone(value) && value !== 0),
  );
}
