import type { ApiKey } from "#api-keys/api-key.ts";
import type { PreAuthKey } from "#auth-keys/pre-auth-key.ts";
import { addressesOf, type Node } from "#nodes/node.ts";
import type { Tailnet } from "#tailnets/tailnet.ts";
import type { User } from "#users/user.ts";
import { CowMap } from "#world/cow-map.ts";
import { type Indexes, type Sequences, scopedName, type World } from "#world/world.ts";
import type { Change, Effect } from "./change.ts";

/** The world after one change; revisions and sequences only ever grow. */
export function apply(world: World, change: Change): World {
  const next = applyEffect(world, change);
  return { ...next, revisions: next.revisions.with(change.tailnet, change.revision) };
}

/** As `apply`, without advancing the revision: for commands that build on their own earlier effects. */
export function applyEffect(world: World, effect: Effect): World {
  switch (effect.subject) {
    case "tailnet":
      return putTailnet(world, effect.id, effect.after);
    case "user":
      return putUser(world, effect.id, effect.after);
    case "node":
      return putNode(world, effect.id, effect.after);
    case "auth-key":
      return putAuthKey(world, effect.id, effect.after);
    case "api-key":
      return putApiKey(world, effect.id, effect.after);
    case "auth-request":
      return { ...world, authRequests: put(world.authRequests, effect.id, effect.after) };
    case "policy": {
      const policies = effect.after
        ? world.policies.with(effect.tailnet, effect.after)
        : world.policies.without(effect.tailnet);
      return { ...world, policies, sequences: seen(world.sequences, "policy", effect.id) };
    }
  }
}

function put<K extends string | number, V>(map: CowMap<K, V>, key: K, value: V | undefined): CowMap<K, V> {
  return value === undefined ? map.without(key) : map.with(key, value);
}

/** Moves an index entry from the old row's key to the new row's; undefined = no entry. */
function reindex<K extends string | number, V>(
  index: CowMap<K, V>,
  old: K | undefined,
  now: K | undefined,
  value: V,
): CowMap<K, V> {
  if (old === now) return index;
  const without = old !== undefined && index.get(old) === value ? index.without(old) : index;
  return now === undefined ? without : without.with(now, value);
}

function seen(sequences: Sequences, name: keyof Sequences, id: number): Sequences {
  return id < sequences[name] ? sequences : { ...sequences, [name]: id + 1 };
}

function putTailnet(world: World, id: Tailnet["id"], after: Tailnet | undefined): World {
  const before = world.tailnets.get(id);
  return {
    ...world,
    tailnets: put(world.tailnets, id, after),
    // A policy goes with its tailnet.
    policies: after ? world.policies : world.policies.without(id),
    sequences: seen(world.sequences, "tailnet", id),
    index: { ...world.index, tailnetByName: reindex(world.index.tailnetByName, before?.name, after?.name, id) },
  };
}

function putUser(world: World, id: User["id"], after: User | undefined): World {
  const before = world.users.get(id);
  const name = (user: User | undefined) =>
    user && user.providerId === "" ? scopedName(user.tailnet, user.name) : undefined;
  const provider = (user: User | undefined) =>
    user && user.providerId !== "" ? scopedName(user.tailnet, user.providerId) : undefined;
  return {
    ...world,
    users: put(world.users, id, after),
    sequences: seen(world.sequences, "user", id),
    index: {
      ...world.index,
      userByName: reindex(world.index.userByName, name(before), name(after), id),
      userByProviderId: reindex(world.index.userByProviderId, provider(before), provider(after), id),
    },
  };
}

function putNode(world: World, id: Node["id"], after: Node | undefined): World {
  const before = world.nodes.get(id);
  const { index } = world;
  return {
    ...world,
    nodes: put(world.nodes, id, after),
    sequences: seen(world.sequences, "node", id),
    index: {
      ...index,
      nodesOfTailnet: membership(index, before, after),
      nodeByNodeKey: reindex(index.nodeByNodeKey, before?.nodeKey, after?.nodeKey, id),
      nodesByMachineKey: machines(index, before, after),
      nodeByName: reindex(
        index.nodeByName,
        before && scopedName(before.tailnet, before.name),
        after && scopedName(after.tailnet, after.name),
        id,
      ),
      nodeByAddr: addresses(index, before, after),
      lastIssued: issued(index, before, after),
    },
  };
}

function membership(index: Indexes, before: Node | undefined, after: Node | undefined): Indexes["nodesOfTailnet"] {
  const node = after ?? before;
  if (!node) return index.nodesOfTailnet;
  const members = put(index.nodesOfTailnet.get(node.tailnet) ?? CowMap.empty<Node["id"], Node>(), node.id, after);
  return members.size === 0
    ? index.nodesOfTailnet.without(node.tailnet)
    : index.nodesOfTailnet.with(node.tailnet, members);
}

function machines(index: Indexes, before: Node | undefined, after: Node | undefined): Indexes["nodesByMachineKey"] {
  let map = index.nodesByMachineKey;
  if (before && before.machineKey !== after?.machineKey) {
    const rest = (map.get(before.machineKey) ?? []).filter((id) => id !== before.id);
    map = rest.length === 0 ? map.without(before.machineKey) : map.with(before.machineKey, rest);
  }
  if (after && before?.machineKey !== after.machineKey) {
    // By id, so that the order is the same after a restart.
    map = map.with(
      after.machineKey,
      [...(map.get(after.machineKey) ?? []), after.id].sort((a, b) => a - b),
    );
  }
  return map;
}

function addresses(index: Indexes, before: Node | undefined, after: Node | undefined): Indexes["nodeByAddr"] {
  let map = index.nodeByAddr;
  const [old, now] = [before ? addressesOf(before) : [], after ? addressesOf(after) : []];
  for (const addr of old) if (!now.includes(addr)) map = map.without(addr);
  if (after) for (const addr of now) if (!old.includes(addr)) map = map.with(addr, after.id);
  return map;
}

function issued(index: Indexes, before: Node | undefined, after: Node | undefined): Indexes["lastIssued"] {
  const [v4, v6] = [after?.ipv4, after?.ipv6];
  return {
    ...index.lastIssued,
    ...(v4 !== undefined && v4 !== before?.ipv4 && { v4 }),
    ...(v6 !== undefined && v6 !== before?.ipv6 && { v6 }),
  };
}

function putAuthKey(world: World, id: PreAuthKey["id"], after: PreAuthKey | undefined): World {
  const before = world.authKeys.get(id);
  const index = {
    ...world.index,
    authKeyByPrefix: reindex(world.index.authKeyByPrefix, before?.prefix, after?.prefix, id),
  };
  return {
    ...world,
    authKeys: put(world.authKeys, id, after),
    sequences: seen(world.sequences, "auth-key", id),
    index,
  };
}

function putApiKey(world: World, id: ApiKey["id"], after: ApiKey | undefined): World {
  const before = world.apiKeys.get(id);
  const index = {
    ...world.index,
    apiKeyByPrefix: reindex(world.index.apiKeyByPrefix, before?.prefix, after?.prefix, id),
  };
  return { ...world, apiKeys: put(world.apiKeys, id, after), sequences: seen(world.sequences, "api-key", id), index };
}
