import { type Addr, type AddrRange, AddrSet, isExitRoute, type Prefix, rangeOfAddr } from "@headscale/netip";
import type { PolicyNode } from "../engine.ts";

/** A node with everything about it that rules ask for, worked out once. */
export interface NodeFacts {
  readonly node: PolicyNode;
  readonly slot: number;
  readonly tagged: boolean;
  /** `undefined` for tagged nodes, whoever made them. */
  readonly ownerId: number | undefined;
  /** IPv4 first. */
  readonly addrs: readonly Addr[];
  readonly ranges: readonly AddrRange[];
  /** The same addresses, ready for union with those of other nodes. */
  readonly set: AddrSet;
  /** Advertised and approved, without exit routes. */
  readonly subnetRoutes: readonly Prefix[];
  readonly exitRoutes: readonly Prefix[];
}

export function nodeFacts(node: PolicyNode, slot: number): NodeFacts {
  const { v4, v6 } = node.addresses;
  const addrs = [v4, v6].filter((addr) => addr !== undefined);
  const approved = new Set(node.approvedRoutes);
  const routes = [...new Set(node.advertisedRoutes)].filter((route) => approved.has(route));
  const tagged = node.tags.length > 0;
  return {
    node,
    slot,
    tagged,
    ownerId: tagged ? undefined : node.userId,
    addrs,
    ranges: addrs.map(rangeOfAddr),
    set: AddrSet.ofAddrs(addrs),
    subnetRoutes: routes.filter((route) => !isExitRoute(route)),
    exitRoutes: routes.filter(isExitRoute),
  };
}

export function sameAddresses(a: NodeFacts | undefined, b: NodeFacts | undefined): boolean {
  return a?.node.addresses.v4 === b?.node.addresses.v4 && a?.node.addresses.v6 === b?.node.addresses.v6;
}
