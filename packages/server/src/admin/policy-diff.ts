import type { MessageInitShape } from "@bufbuild/protobuf";
import type { DiffPolicyResponseSchema } from "@headscale/gen/headscale/v1/policy_pb.ts";
import { type Access, compilePolicy, diffPolicies, type LoginAccess } from "@headscale/policy";
import type { NodeId, TailnetId, World } from "@headscale/tailnet";
import { createTwoFilesPatch } from "diff";
import type { Live } from "#live/live.ts";
import type { PolicyKeeper } from "#live/policy-keeper.ts";
import { nodeName, sourceNames } from "./source-names.ts";

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
  const { gained, lost, logins, affected } = diffPolicies(
    compilePolicy(policies.inputFor(live, tailnet, before)),
    policy,
  );
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
  const shownLogin = (access: LoginAccess, isGained: boolean) => ({
    gained: isGained,
    ...loginText(live.world, access),
  });
  return {
    identical: before === after,
    unifiedDiff: before === after ? "" : unified(before ?? "", after ?? ""),
    accessChanges: distinct([
      ...gained.map((access) => shown(access, true)),
      ...lost.map((access) => shown(access, false)),
      ...logins.gained.map((access) => shownLogin(access, true)),
      ...logins.lost.map((access) => shownLogin(access, false)),
    ]),
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
  return { src: sourceNames(world, src), dst: nodeName(world, dst), what: `${name}${shownPorts}` };
}

function loginText(world: World, { nodeId, src, login, action }: LoginAccess) {
  const dst = world.nodes.get(nodeId as NodeId)?.name ?? String(nodeId);
  return { src: sourceNames(world, src), dst, what: `ssh:${login}${action === "check" ? " (check)" : ""}` };
}

/** Each once: a node's two addresses are one node. */
function distinct<T>(changes: readonly T[]): T[] {
  return [...new Map(changes.map((change) => [JSON.stringify(change), change])).values()];
}
