import { type CompiledPolicy, compilePolicy, parsePolicy } from "@headscale/policy";
import type { DERPMap, Hostinfo } from "@headscale/tailcfg";
import { Server } from "#change/server.fixture.ts";
import { announcedRoutes } from "#nodes/enrol.ts";
import { addressesOf, type Node, type Presence, tagsOf, unknownPresence, userIdOf } from "#nodes/node.ts";
import { tailnetIn } from "#tailnets/commands.ts";
import { loginNameOf } from "#users/user.ts";
import { defaultTailnetId, type NodeId } from "#world/ids.ts";
import type { NetmapView } from "./view.ts";

/** A view over a server's world under a policy text; `presence` is looked up at the moment of asking. */
export function viewOf(server: Server, presence: ReadonlyMap<NodeId, Presence>, policy?: string): NetmapView {
  const { world } = server;
  const of = (id: NodeId) => presence.get(id) ?? unknownPresence;
  return {
    world,
    tailnet: tailnetIn(world, defaultTailnetId),
    policy: compiled(server, of, policy),
    settings: { baseDomain: server.settings.baseDomain, selfCapabilities: { "ssh-env-vars": null }, logtail: false },
    derpMap: { Regions: {} } satisfies DERPMap,
    now: server.now,
    presence: of,
    dns: { Proxied: true },
  };
}

function compiled(server: Server, presence: (id: NodeId) => Presence, policy: string | undefined): CompiledPolicy {
  return compilePolicy({
    policy: policy === undefined ? undefined : parsePolicy(policy),
    users: [...server.world.users.values()].map((user) => ({
      id: user.id,
      name: user.name,
      loginName: loginNameOf(user),
    })),
    nodes: [...server.world.nodes.values()].map((node) => policyNode(node, presence(node.id))),
    settings: { serverUrl: "https://control.test" },
  });
}

function policyNode(node: Node, presence: Presence) {
  const userId = userIdOf(node);
  const [v4, v6] = [addressesOf(node).find((a) => a.includes(".")), addressesOf(node).find((a) => a.includes(":"))];
  return {
    id: node.id,
    ...(userId !== undefined && { userId }),
    tags: tagsOf(node),
    addresses: { ...(v4 && { v4 }), ...(v6 && { v6 }) },
    advertisedRoutes: announcedRoutes(presence.hostinfo),
    approvedRoutes: node.approvedRoutes,
  };
}

/** One node, `box` of `alice`, that the policy gives `capabilities`. */
export function sampleView({
  capabilities = [],
  hostinfo = {},
}: {
  capabilities?: readonly string[];
  hostinfo?: Hostinfo;
}) {
  const server = new Server();
  const node = server.join(server.user("alice"), { Hostname: "box" });
  const view = viewOf(server, new Map([[node.id, { ...unknownPresence, hostinfo }]]));
  const given = Object.fromEntries(capabilities.map((name) => [name, null]));
  return { server, node, view: { ...view, policy: { ...view.policy, selfCapabilities: () => given } } };
}
