import type { Addr } from "@headscale/netip";
import { type Circumstances, type Command, Draft } from "#change/decide.ts";
import { freeAddresses } from "#nodes/enrol.ts";
import type { Node } from "#nodes/node.ts";
import type { TailnetId } from "#world/ids.ts";
import { nodesOf } from "#world/world.ts";

interface FamilyChange {
  readonly addr: Addr | undefined;
  readonly said?: string;
}

/** Gives every node of these tailnets the address families that are configured and takes away those that are not; one sentence per change. */
export function backfillAddresses(tailnets: Iterable<TailnetId>): Command<readonly string[]> {
  return (world, given) => {
    const draft = new Draft(world);
    const nodes = [...tailnets].flatMap((tailnet) => nodesOf(world, tailnet)).sort((a, b) => a.id - b.id);
    return draft.decision(nodes.flatMap((node) => backfill(draft, given, node)));
  };
}

function backfill(draft: Draft, given: Circumstances, node: Node): readonly string[] {
  const { v4: prefix4, v6: prefix6 } = given.settings.prefixes;
  const missing = {
    ...(prefix4 !== undefined && node.ipv4 === undefined && { v4: prefix4 }),
    ...(prefix6 !== undefined && node.ipv6 === undefined && { v6: prefix6 }),
  };
  const free = freeAddresses(draft.world, given, missing, node);
  const v4 = family("IPv4", node, node.ipv4, prefix4 !== undefined, free.ipv4);
  const v6 = family("IPv6", node, node.ipv6, prefix6 !== undefined, free.ipv6);
  const said = [v4.said, v6.said].filter((line) => line !== undefined);
  if (said.length === 0) return said;
  const { ipv4: _v4, ipv6: _v6, ...rest } = node;
  const after: Node = { ...rest, ...(v4.addr && { ipv4: v4.addr }), ...(v6.addr && { ipv6: v6.addr }) };
  draft.node("node-readdressed", after);
  return said;
}

function family(
  label: string,
  node: Node,
  current: Addr | undefined,
  configured: boolean,
  free: Addr | undefined,
): FamilyChange {
  if (!configured) {
    return current
      ? { addr: undefined, said: `removing ${label} "${current}" from Node(${node.id}) "${node.name}"` }
      : { addr: undefined };
  }
  if (current) return { addr: current };
  return { addr: free, said: `assigned ${label} "${free}" to Node(${node.id}) "${node.name}"` };
}
