import { fc, test as property } from "@fast-check/vitest";
import { describe, expect } from "vitest";
import { compilePolicy } from "../compile-policy.ts";
import type { Affected, CompiledPolicy, PolicyChange, PolicyNode, PolicyUser } from "../engine.ts";
import { type Policy, parsePolicy } from "../policy.ts";
import { updatePolicy } from "../update-policy.ts";
import { type PlainPolicy, policies, policyText } from "./random-policy.ts";
import { nodeIds, nodes, nodesAmong, nodeWith, userIds, userOf, users } from "./random-tailnet.ts";

const settings = { serverUrl: "https://headscale.test" };

type Step =
  | { readonly kind: "put"; readonly nodes: readonly PolicyNode[] }
  | { readonly kind: "remove"; readonly id: number }
  | { readonly kind: "user"; readonly user: PolicyUser }
  | { readonly kind: "policy"; readonly policy: PlainPolicy | undefined };

const stepsAmong = (ids: readonly number[]): fc.Arbitrary<Step> => {
  const id = fc.constantFrom(...ids);
  return fc.oneof(
    { weight: 6, arbitrary: id.chain(nodeWith).map((node) => ({ kind: "put" as const, nodes: [node] })) },
    { weight: 1, arbitrary: fc.tuple(nodeWith(1), nodeWith(6)).map((both) => ({ kind: "put" as const, nodes: both })) },
    { weight: 2, arbitrary: id.map((gone) => ({ kind: "remove" as const, id: gone })) },
    {
      weight: 1,
      arbitrary: fc
        .tuple(fc.constantFrom(...userIds), fc.constantFrom(...userIds), fc.subarray(["admin", "owner"] as const))
        .map(([user, named, roles]) => ({ kind: "user" as const, user: { ...userOf(named, roles), id: user } })),
    },
    {
      weight: 2,
      arbitrary: fc.option(policies, { nil: undefined }).map((policy) => ({ kind: "policy" as const, policy })),
    },
  );
};

/** A start and what happens then. Small worlds meet themselves more often, large ones share more. */
const walksAmong = (ids: readonly number[]) =>
  [policies, users, nodesAmong(ids), fc.array(stepsAmong(ids), { minLength: 1, maxLength: 6 }), fc.boolean()] as const;

const manyIds = Array.from({ length: 40 }, (_, index) => index + 1);

/** The state of the world beside the engine, kept the plain way. */
interface World {
  readonly users: ReadonlyMap<number, PolicyUser>;
  readonly nodes: ReadonlyMap<number, PolicyNode>;
  readonly policy: Policy | undefined;
}

function stepped(world: World, step: Step): { world: World; change: PolicyChange } {
  switch (step.kind) {
    case "put": {
      const next = new Map(world.nodes);
      for (const node of step.nodes) next.set(node.id, node);
      return { world: { ...world, nodes: next }, change: { putNodes: step.nodes } };
    }
    case "remove": {
      const next = new Map(world.nodes);
      next.delete(step.id);
      return { world: { ...world, nodes: next }, change: { removedNodes: [step.id] } };
    }
    case "user":
      return {
        world: { ...world, users: new Map(world.users).set(step.user.id, step.user) },
        change: { putUsers: [step.user] },
      };
    case "policy": {
      const policy = step.policy === undefined ? undefined : parsePolicy(policyText(step.policy));
      return { world: { ...world, policy }, change: { policy: { to: policy } } };
    }
  }
}

function scratch({ users: all, nodes: those, policy }: World): CompiledPolicy {
  return compilePolicy({ policy, users: all.values(), nodes: those.values(), settings });
}

const asText = (value: unknown) => JSON.stringify(value);

/** Rules as a bag: clients do not care for their order. */
function filterOf(compiled: CompiledPolicy, id: number): string {
  const rules = Object.values(compiled.packetFilters(id)).flat();
  return asText(rules.map((rule) => asText({ ...rule, DstPorts: rule.DstPorts?.map(asText).sort() })).sort());
}

/** Every answer about every node. */
function answers(compiled: CompiledPolicy, ids: readonly number[]) {
  return ids.map((id) => ({
    id,
    filter: filterOf(compiled, id),
    peers: compiled.peersOf(id),
    routes: ids.map((peer) => compiled.routesFor(id, peer)),
    selfRoutes: compiled.selfRoutes(id),
    record: [compiled.visibleAddresses(id), compiled.peerCapabilities(id)],
    capabilities: compiled.selfCapabilities(id),
    ssh: compiled.sshPolicy(id),
  }));
}

/** The difference between two compilations, worked out by asking both everything. */
function plainDifference(
  before: CompiledPolicy,
  after: CompiledPolicy,
  stayed: readonly number[],
  everybody: readonly number[],
): Affected {
  const differs = (ask: (compiled: CompiledPolicy, id: number) => unknown) =>
    stayed.filter((id) => asText(ask(before, id)) !== asText(ask(after, id)));
  const peers = stayed.flatMap((id) => {
    const added = everybody.filter((peer) => peer !== id && !before.canSee(id, peer) && after.canSee(id, peer));
    const removed = everybody.filter((peer) => peer !== id && before.canSee(id, peer) && !after.canSee(id, peer));
    return added.length + removed.length === 0 ? [] : [[id, { added, removed }] as const];
  });
  const routes = stayed.flatMap((id) => {
    const kept = stayed.filter((peer) => peer !== id && before.canSee(id, peer) && after.canSee(id, peer));
    const moved = kept.filter((peer) => asText(before.routesFor(id, peer)) !== asText(after.routesFor(id, peer)));
    return moved.length === 0 ? [] : [[id, moved] as const];
  });
  return {
    filters: differs(filterOf),
    peers: new Map(peers),
    routes: new Map(routes),
    records: differs((compiled, id) => [compiled.visibleAddresses(id), compiled.peerCapabilities(id)]),
    selfRoutes: differs((compiled, id) => compiled.selfRoutes(id)),
    selfCapabilities: differs((compiled, id) => compiled.selfCapabilities(id)),
    ssh: differs((compiled, id) => compiled.sshPolicy(id)),
  };
}

const inOrder = <T>(map: ReadonlyMap<number, T>) => [...map].sort(([a], [b]) => a - b);

function comparable(affected: Affected) {
  return { ...affected, peers: inOrder(affected.peers), routes: inOrder(affected.routes) };
}

function walk(
  first: PlainPolicy,
  allUsers: readonly PolicyUser[],
  allNodes: readonly PolicyNode[],
  changes: readonly Step[],
  asked: boolean,
): void {
  let world: World = {
    users: new Map(allUsers.map((user) => [user.id, user])),
    nodes: new Map(allNodes.map((node) => [node.id, node])),
    policy: parsePolicy(policyText(first)),
  };
  let live = scratch(world);
  for (const step of changes) {
    const before = world;
    // What was asked before is carried over; what was not must come out the same.
    if (asked) answers(live, [...before.nodes.keys()]);
    const stepResult = stepped(world, step);
    world = stepResult.world;
    const { next, affected } = updatePolicy(live, stepResult.change);
    const ids = [...world.nodes.keys()].sort((a, b) => a - b);
    const stayed = ids.filter((id) => before.nodes.has(id));
    const everybody = [...new Set([...before.nodes.keys(), ...ids])].sort((a, b) => a - b);
    const anew = scratch(world);
    expect(comparable(affected)).toEqual(comparable(plainDifference(scratch(before), anew, stayed, everybody)));
    expect(answers(next, ids)).toEqual(answers(anew, ids));
    live = next;
  }
}

describe("updatePolicy", () => {
  property.prop([...walksAmong(nodeIds)], { numRuns: 200 })(
    "answers as if everything had been compiled anew, and names exactly what changed",
    walk,
  );

  property.prop([...walksAmong(manyIds)], { numRuns: 10 })("does so among many nodes", walk);

  property.prop([policies, users, nodes, fc.constantFrom(...nodeIds).chain(nodeWith)])(
    "keeps the identity of every part of a filter that says the same as before",
    (policy, allUsers, allNodes, node) => {
      const live = compilePolicy({
        policy: parsePolicy(policyText(policy)),
        users: allUsers,
        nodes: allNodes,
        settings,
      });
      const old = new Map(allNodes.map(({ id }) => [id, live.packetFilters(id)]));
      const { next } = updatePolicy(live, { putNodes: [node] });
      for (const [id, parts] of old) {
        for (const [name, rules] of Object.entries(next.packetFilters(id))) {
          if (asText(parts[name]) === asText(rules)) expect(rules).toBe(parts[name]);
        }
      }
    },
  );
});
