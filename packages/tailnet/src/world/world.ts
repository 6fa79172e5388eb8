import type { Addr } from "@headscale/netip";
import type { MachineKey, NodeKey } from "@headscale/tailcfg/keys";
import type { ApiKey } from "#api-keys/api-key.ts";
import type { PreAuthKey } from "#auth-keys/pre-auth-key.ts";
import type { AuthRequest } from "#auth-requests/auth-request.ts";
import type { Node } from "#nodes/node.ts";
import type { PolicyRevision, Tailnet } from "#tailnets/tailnet.ts";
import type { User } from "#users/user.ts";
import { CowMap } from "./cow-map.ts";
import type { ApiKeyId, AuthRequestId, NodeId, PreAuthKeyId, TailnetId, UserId } from "./ids.ts";

/** Next free numbers; they only grow, so no id is ever given twice. */
export interface Sequences {
  readonly tailnet: number;
  readonly user: number;
  readonly node: number;
  readonly "auth-key": number;
  readonly "api-key": number;
  readonly policy: number;
}

/** Everything durable at one moment, immutable; successors share structure. Only `apply` makes them. */
export interface World {
  readonly tailnets: CowMap<TailnetId, Tailnet>;
  /** Revision of each tailnet and of the server scope; absent = 0. */
  readonly revisions: CowMap<TailnetId, number>;
  readonly users: CowMap<UserId, User>;
  readonly nodes: CowMap<NodeId, Node>;
  readonly authKeys: CowMap<PreAuthKeyId, PreAuthKey>;
  readonly apiKeys: CowMap<ApiKeyId, ApiKey>;
  readonly authRequests: CowMap<AuthRequestId, AuthRequest>;
  /** The policy in force; absent = none was ever set. */
  readonly policies: CowMap<TailnetId, PolicyRevision>;
  readonly sequences: Sequences;
  readonly index: Indexes;
}

/** Derived from the rows above; never stored. */
export interface Indexes {
  readonly tailnetByName: CowMap<string, TailnetId>;
  readonly nodesOfTailnet: CowMap<TailnetId, CowMap<NodeId, Node>>;
  readonly nodeByNodeKey: CowMap<NodeKey, NodeId>;
  readonly nodesByMachineKey: CowMap<MachineKey, readonly NodeId[]>;
  /** `${tailnet}/${name}` */
  readonly nodeByName: CowMap<string, NodeId>;
  readonly nodeByAddr: CowMap<Addr, NodeId>;
  /** `${tailnet}/${name}` of local users. */
  readonly userByName: CowMap<string, UserId>;
  readonly userByProviderId: CowMap<string, UserId>;
  readonly authKeyByPrefix: CowMap<string, PreAuthKeyId>;
  readonly apiKeyByPrefix: CowMap<string, ApiKeyId>;
  /** Where sequential allocation goes on, per family. */
  readonly lastIssued: { readonly v4?: Addr; readonly v6?: Addr };
}

export const emptyWorld: World = {
  tailnets: CowMap.empty(),
  revisions: CowMap.empty(),
  users: CowMap.empty(),
  nodes: CowMap.empty(),
  authKeys: CowMap.empty(),
  apiKeys: CowMap.empty(),
  authRequests: CowMap.empty(),
  policies: CowMap.empty(),
  sequences: { tailnet: 1, user: 1, node: 1, "auth-key": 1, "api-key": 1, policy: 1 },
  index: {
    tailnetByName: CowMap.empty(),
    nodesOfTailnet: CowMap.empty(),
    nodeByNodeKey: CowMap.empty(),
    nodesByMachineKey: CowMap.empty(),
    nodeByName: CowMap.empty(),
    nodeByAddr: CowMap.empty(),
    userByName: CowMap.empty(),
    userByProviderId: CowMap.empty(),
    authKeyByPrefix: CowMap.empty(),
    apiKeyByPrefix: CowMap.empty(),
    lastIssued: {},
  },
};

/** Key of the by-name indexes. */
export function scopedName(tailnet: TailnetId, name: string): string {
  return `${tailnet}/${name}`;
}

/** Nodes of one tailnet, by ascending id. */
export function nodesOf(world: World, tailnet: TailnetId): readonly Node[] {
  return [...(world.index.nodesOfTailnet.get(tailnet)?.values() ?? [])].sort((a, b) => a.id - b.id);
}

/** Users of one tailnet, by ascending id. */
export function usersOf(world: World, tailnet: TailnetId): readonly User[] {
  return [...world.users.values()].filter((user) => user.tailnet === tailnet).sort((a, b) => a.id - b.id);
}
