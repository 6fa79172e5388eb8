import type { DERPMap, DERPNode } from "@headscale/tailcfg";

/** First capability version whose clients check a pinned certificate beside a relay's meta certificate: 1.84. */
const pinningCapabilityVersion = 116;
const pinPrefix = "sha256-raw:";

/** The relay map as a client of this version can use it: older ones take a pin for a host name, and are told not to verify. */
export function derpMapFor(map: DERPMap, capVersion: number): DERPMap {
  if (capVersion === 0 || capVersion >= pinningCapabilityVersion) return map;
  const regions = Object.entries(map.Regions).map(([id, region]) => [
    id,
    { ...region, Nodes: region.Nodes.map(unpinned) },
  ]);
  return { ...map, Regions: Object.fromEntries(regions) };
}

function unpinned(node: DERPNode): DERPNode {
  if (!node.CertName?.startsWith(pinPrefix)) return node;
  const { CertName: _pin, ...rest } = node;
  return { ...rest, InsecureForTests: true };
}
