import { type Addr, type Prefix, prefixCovers, tryParsePrefix } from "@headscale/netip";
import { allocate } from "#addresses/allocate.ts";
import type { PreAuthKey } from "#auth-keys/pre-auth-key.ts";
import type { ChangeKind } from "#change/change.ts";
import type { Circumstances, Draft } from "#change/decide.ts";
import { labelOf, uniqueLabel } from "#names/hostname.ts";
import { sortedRoutes } from "#routes/routes.ts";
import { TailnetError } from "#tailnet-error.ts";
import type { NodeId, TailnetId } from "#world/ids.ts";
import { scopedName, type World } from "#world/world.ts";
import type { Node, NodeOwner, RegisterMethod } from "./node.ts";
import type { Registrant } from "./registrant.ts";

/** How a node came to be let in. */
export interface Admission {
  readonly tailnet: TailnetId;
  readonly owner: NodeOwner;
  readonly method: RegisterMethod;
  readonly authKey?: PreAuthKey;
  readonly ephemeral: boolean;
  /** Key expiry from the login (OIDC token), before the defaults. */
  readonly expiry?: number;
}

/** A new row for a machine: id, name and addresses are given out here. @throws {TailnetError} */
export function enrol(draft: Draft, given: Circumstances, who: Registrant, admission: Admission): Node {
  const { world } = draft;
  const hostname = who.hostinfo.Hostname ?? "";
  const bare: Node = {
    id: world.sequences.node as NodeId,
    tailnet: admission.tailnet,
    machineKey: who.machineKey,
    nodeKey: who.nodeKey,
    ...(who.nlKey !== undefined && { nlKey: who.nlKey }),
    hostname,
    name: freeLabel(world, admission.tailnet, hostname),
    renamed: false,
    owner: admission.owner,
    ...expiryFor(given, who, admission),
    ephemeral: admission.ephemeral,
    registerMethod: admission.method,
    ...(admission.authKey !== undefined && { authKeyId: admission.authKey.id }),
    approvedRoutes: [],
    createdAt: given.now,
  };
  const fresh = { ...bare, ...freeAddresses(world, given, given.settings.prefixes, bare) };
  return draft.node("node-registered", withAutoApproved(given, fresh, who));
}

/** The same node with a new login: id, name, addresses and approvals stay. */
export function reauthenticate(
  draft: Draft,
  given: Circumstances,
  node: Node,
  who: Registrant,
  admission: Admission,
): Node {
  const { expiry: _old, authKeyId: _key, ...kept } = node;
  const after: Node = {
    ...kept,
    ...renamedByHost(draft.world, node, who.hostinfo.Hostname),
    nodeKey: who.nodeKey,
    ...(who.nlKey !== undefined && { nlKey: who.nlKey }),
    owner: admission.owner,
    ...expiryFor(given, who, admission),
    ephemeral: admission.ephemeral,
    registerMethod: admission.method,
    ...(admission.authKey !== undefined && { authKeyId: admission.authKey.id }),
  };
  const kind: ChangeKind = node.nodeKey === who.nodeKey ? "node-refreshed" : "node-reauthenticated";
  return draft.node(kind, withAutoApproved(given, after, who));
}

/** Hostname and label after the client reported `hostname`; the label follows unless an administrator chose it. */
export function renamedByHost(world: World, node: Node, hostname: string | undefined): Pick<Node, "hostname" | "name"> {
  if (hostname === undefined || hostname === "" || hostname === node.hostname) {
    return { hostname: node.hostname, name: node.name };
  }
  if (node.renamed) return { hostname, name: node.name };
  return { hostname, name: freeLabel(world, node.tailnet, hostname, node.id) };
}

function freeLabel(world: World, tailnet: TailnetId, hostname: string, self?: NodeId): string {
  return uniqueLabel(labelOf(hostname), (label) => {
    const holder = world.index.nodeByName.get(scopedName(tailnet, label));
    return holder !== undefined && holder !== self;
  });
}

/** One free address per prefix, IPv4 out of the pools that the policy has for `node`. @throws {TailnetError} "addresses-exhausted" */
export function freeAddresses(
  world: World,
  given: Circumstances,
  { v4, v6 }: Circumstances["settings"]["prefixes"],
  node: Node,
): { readonly ipv4?: Addr; readonly ipv6?: Addr } {
  const { lastIssued } = world.index;
  const pools = v4 === undefined ? undefined : given.policy(node.tailnet).addressPools(node);
  const own = (pools ?? []).filter((pool) => v4 !== undefined && prefixCovers(v4, pool));
  const picked = own.length > 0 ? fromPools(own, (pool) => pick(world, given, pool, undefined)) : undefined;
  // What came out of a pool last says nothing about where the others go on.
  const after = pools === undefined ? lastIssued.v4 : undefined;
  return {
    ...(v4 !== undefined && { ipv4: picked ?? pick(world, given, v4, after) }),
    ...(v6 !== undefined && { ipv6: pick(world, given, v6, lastIssued.v6) }),
  };
}

function pick(world: World, given: Circumstances, prefix: Prefix, last: Addr | undefined): Addr {
  return allocate({
    prefix,
    ...(given.settings.allocation === "random" ? { random: given.random() } : last !== undefined && { after: last }),
    taken: (addr) => world.index.nodeByAddr.has(addr) || (given.reserved?.(addr) ?? false),
  });
}

/** The first pool with a free address. @throws {TailnetError} "addresses-exhausted" */
function fromPools(pools: readonly Prefix[], pickIn: (pool: Prefix) => Addr): Addr {
  for (const pool of pools) {
    try {
      return pickIn(pool);
    } catch (error) {
      if (!(error instanceof TailnetError) || error.code !== "addresses-exhausted") throw error;
    }
  }
  const message = `no free address left in ${pools.join(", ")}: widen ipPool in nodeAttrs of the policy or delete nodes`;
  throw new TailnetError("addresses-exhausted", message);
}

function expiryFor(given: Circumstances, who: Registrant, admission: Admission): { readonly expiry?: number } {
  if (admission.owner.kind === "tags") return {};
  if (admission.expiry !== undefined) return { expiry: admission.expiry };
  if (who.expiry !== undefined && who.expiry > given.now) return { expiry: who.expiry };
  return given.settings.nodeExpiryMs > 0 ? { expiry: given.now + given.settings.nodeExpiryMs } : {};
}

/** The prefixes that a client announces; what does not parse is left out. */
export function announcedRoutes(hostinfo: { readonly RoutableIPs?: readonly string[] }): readonly Prefix[] {
  return (hostinfo.RoutableIPs ?? []).flatMap((text) => tryParsePrefix(text) ?? []);
}

/** Adds the approvals that the policy grants by itself; approvals are never taken away here. */
export function withAutoApproved(given: Circumstances, node: Node, who: Pick<Registrant, "hostinfo">): Node {
  const approved = given.policy(node.tailnet).autoApproved(node, announcedRoutes(who.hostinfo));
  const missing = approved.filter((prefix) => !node.approvedRoutes.includes(prefix));
  return missing.length === 0 ? node : { ...node, approvedRoutes: sortedRoutes([...node.approvedRoutes, ...missing]) };
}

/**
 * The owner that a login as `asked` gives when the client wants tags: the tags, if every one of them is permitted.
 * @throws {TailnetError} "tag-not-permitted"
 */
export function ownerWithTags(
  given: Circumstances,
  tailnet: TailnetId,
  asked: NodeOwner,
  wanted: readonly string[],
): NodeOwner {
  if (wanted.length === 0) return asked;
  const policy = given.policy(tailnet);
  const userId = asked.kind === "user" ? asked.userId : undefined;
  const held = asked.kind === "tags" ? asked.tags : [];
  const refused = wanted.filter((tag) => !held.includes(tag) && !policy.mayTag(userId, tag));
  if (refused.length > 0) {
    throw new TailnetError("tag-not-permitted", `requested tags [${refused.join(" ")}] are invalid or not permitted`);
  }
  return { kind: "tags", tags: [...new Set(wanted)].sort() };
}

/** Refuses a node key that another machine holds. @throws {TailnetError} "node-key-in-use" */
export function assertNodeKeyFree(world: World, who: Registrant): void {
  const holder = world.nodes.get(world.index.nodeByNodeKey.get(who.nodeKey) ?? (0 as NodeId));
  if (holder && holder.machineKey !== who.machineKey) {
    throw new TailnetError("node-key-in-use", "this node key belongs to another machine");
  }
}
