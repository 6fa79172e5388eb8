import type { MessageInitShape } from "@bufbuild/protobuf";
import type { DiffPolicyResponseSchema } from "@headscale/gen/headscale/v1/policy_pb.ts";
import type { Addr } from "@headscale/netip";
import { type Access, compilePolicy, diffPolicies } from "@headscale/policy";
import type { NodeId, TailnetId, World } from "@headscale/tailnet";
import { createTwoFilesPatch } from "diff";
import type { Live } from "#live/live.ts";
import type { PolicyKeeper } from "#live/policy-keeper.ts";

const protocolNames: Readonly<Record<number, string>> = {
  1: "icmp",
  6: "tcp",
  17: "udp",
  58: "ipv6-icmp",
  132: "sctp",
};

/** What two policies differ in: their lines, who may reach whom, whose map would change. @throws {PolicyError} */
export function diffAccess(
  live: Live,
  policies: PolicyKeeper,
  tailnet: TailnetId,
  before: string | undefined,
  after: string | undefined,
): MessageInitShape<typeof DiffPolicyResponseSchema> {
  const { policy } = policies.inputFor(live, tailnet, after);
  const { gained, lost, affected } = diffPolicies(compilePolicy(policies.inputFor(live, tailnet, before)), policy);
  const touched = new Set([
    ...affected.filters,
    ...affected.peers.keys(),
    ...affected.routes.keys(),
    ...affected.records,
    ...affected.selfRoutes,
    ...affected.selfCapabilities,
    ...affected.ssh,
  ]);
  const shown = (access: Access, isGained: boolean) => ({ gained: isGained, ...accessText(live.world, access) });
  return {
    identical: before === after,
    unifiedDiff: before === after ? "" : unified(before ?? "", after ?? ""),
    accessChanges: [...gained.map((access) => shown(access, true)), ...lost.map((access) => shown(access, false))],
    touchedNodes: [...touched].flatMap((id) => live.world.nodes.get(id as NodeId)?.name ?? []).sort(),
  };
}

function unified(before: string, after: string): string {
  return createTwoFilesPatch("before", "after", before, after, undefined, undefined, { context: 3 }).replace(
    /^=+\n/,
    "",
  );
}

function accessText(world: World, { src, dst, protocol, ports }: Access) {
  const range = ports.First === ports.Last ? `${ports.First}` : `${ports.First}-${ports.Last}`;
  const shownPorts = ports.First === 0 && ports.Last === 65_535 ? "*" : range;
  const name = protocol === undefined ? "" : `${protocolNames[protocol] ?? protocol}:`;
  return { src: named(world, src), dst: nodeName(world, dst), what: `${name}${shownPorts}` };
}

/** Sources by the names of their nodes, each once though it has two addresses. */
function named(world: World, texts: readonly string[]): string {
  return [...new Set(texts.map((text) => nodeName(world, text)))].join(", ");
}

/** The name of the node that has exactly this address; other texts stay. */
export function nodeName(world: World, text: string): string {
  const id = world.index.nodeByAddr.get(text.replace(/\/(32|128)$/, "") as Addr);
  return (id === undefined ? undefined : world.nodes.get(id)?.name) ?? text;
}
