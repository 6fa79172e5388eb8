import { addressesOf } from "#nodes/node.ts";
import { type Indexes, scopedName, type World } from "./world.ts";

/** What the indexes of a world should be, made from its rows in the plainest way. `lastIssued` is no index and left out. */
export function indexesOf({ tailnets, nodes, users, authKeys, apiKeys }: World) {
  const allNodes = [...nodes.values()].sort((a, b) => a.id - b.id);
  const allUsers = [...users.values()];
  return {
    tailnetByName: new Map([...tailnets.values()].map(({ id, name }) => [name, id])),
    nodesOfTailnet: new Map([...Map.groupBy(allNodes, ({ tailnet }) => tailnet)].map(([id, list]) => [id, list])),
    nodeByNodeKey: new Map(allNodes.map(({ nodeKey, id }) => [nodeKey, id])),
    nodesByMachineKey: new Map(
      [...Map.groupBy(allNodes, ({ machineKey }) => machineKey)].map(([key, list]) => [key, list.map(({ id }) => id)]),
    ),
    nodeByName: new Map(allNodes.map(({ tailnet, name, id }) => [scopedName(tailnet, name), id])),
    nodeByAddr: new Map(allNodes.flatMap((node) => addressesOf(node).map((addr) => [addr, node.id]))),
    userByName: new Map(
      allUsers
        .filter(({ providerId }) => providerId === "")
        .map(({ tailnet, name, id }) => [scopedName(tailnet, name), id]),
    ),
    userByProviderId: new Map(
      allUsers
        .filter(({ providerId }) => providerId !== "")
        .map((user) => [scopedName(user.tailnet, user.providerId), user.id]),
    ),
    authKeyByPrefix: new Map([...authKeys.values()].map(({ prefix, id }) => [prefix, id])),
    apiKeyByPrefix: new Map([...apiKeys.values()].map(({ prefix, id }) => [prefix, id])),
  };
}

/** The indexes that a world keeps, in the same form. */
export function keptIndexes({
  lastIssued: _lastIssued,
  nodesOfTailnet,
  ...index
}: Indexes): ReturnType<typeof indexesOf> {
  const plain = Object.fromEntries(Object.entries(index).map(([name, map]) => [name, new Map<unknown, unknown>(map)]));
  return {
    ...(plain as unknown as ReturnType<typeof indexesOf>),
    nodesOfTailnet: new Map(
      [...nodesOfTailnet].map(([id, map]) => [id, [...map.values()].sort((a, b) => a.id - b.id)]),
    ),
  };
}
