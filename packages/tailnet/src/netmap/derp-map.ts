import type { DERPMap, DERPNode, DERPRegion } from "@headscale/tailcfg";

/** First capability version whose clients check a pinned certificate beside a relay's meta certificate: 1.84. */
const pinningCapabilityVersion = 116;
const pinPrefix = "sha256-raw:";
/** First capability version that knows `NoMeasureNoHome`; older ones know `Avoid`. Source: tailscale tailcfg/tailcfg.go@de9ec7ee. */
const noHomeCapabilityVersion = 115;

/** The relay map as a client of this version can use it: older ones take a pin for a host name, and are told not to verify. */
export function derpMapFor(map: DERPMap, capVersion: number): DERPMap {
  if (capVersion === 0 || capVersion >= pinningCapabilityVersion) return map;
  const regions = Object.entries(map.Regions).map(([id, region]) => [
    id,
    { ...region, ...avoided(region, capVersion), Nodes: region.Nodes.map(unpinned) },
  ]);
  return { ...map, Regions: Object.fromEntries(regions) };
}

function avoided({ NoMeasureNoHome }: DERPRegion, capVersion: number): Pick<DERPRegion, "Avoid"> {
  return NoMeasureNoHome && capVersion < noHomeCapabilityVersion ? { Avoid: true } : {};
}

function unpinned(node: DERPNode): DERPNode {
  if (!node.CertName?.startsWith(pinPrefix)) return node;
  const { CertName: _pin, ...rest } = node;
  return { ...rest, InsecureForTests: true };
}
