import { Compilation, nothingCarried } from "#compile/compilation.ts";
import { affectedBy } from "#compile/difference.ts";
import { makePlan } from "#compile/policy-plan.ts";
import { type Scope, scopeOfNodes } from "#compile/scope.ts";
import { scopeOfPolicy } from "#compile/scope-of-policy.ts";
import { Resolution } from "#resolve/resolution.ts";
import { Roster } from "#resolve/roster.ts";
import { SlotSet } from "#resolve/slot-set.ts";
import type { CompiledPolicy, PolicyChange, PolicyUpdate } from "./engine.ts";

/** From here on it is cheaper to resolve everything anew than node by node. */
const manyNodes = 256;

/**
 * The policy after a change, and whom it concerns. Costs as much as the change concerns, not as much as there is.
 * `previous` keeps its answers and stays usable.
 */
export function updatePolicy(previous: CompiledPolicy, change: PolicyChange): PolicyUpdate {
  if (!(previous instanceof Compilation)) throw new TypeError("not a policy that compilePolicy made");
  const { roster, touched } = changeRoster(previous.resolution.roster, change);
  const anew = change.policy !== undefined || change.settings !== undefined || change.services !== undefined;
  const { next, scope } =
    anew || touched.length > manyNodes ? compileAnew(previous, roster, change) : follow(previous, roster, touched);
  const affected = affectedBy(previous, next, scope);
  return { next: roster.isSparse ? withNewSlots(next) : next, affected };
}

/** The same compilation with its nodes numbered anew, so that sets do not grow with nodes that are long gone. */
function withNewSlots(compilation: Compilation): Compilation {
  const { plan, settings, resolution } = compilation;
  const { directory, services, all } = resolution.roster;
  const nodes = resolution.roster.inOrder(all).map(({ node }) => node);
  const named = Array.from(services, ([name, addresses]) => ({ name, addresses }));
  const roster = Roster.of(directory.users.values(), nodes, named);
  const old = compilation.carry(SlotSet.empty);
  const places = nodes.map(({ id }) => resolution.roster.slotOf(id) ?? -1);
  const stale = SlotSet.of([...places.keys()].filter((slot) => old.stale.has(places[slot] ?? -1)));
  const filters = places.map((slot) => old.filters[slot]);
  return new Compilation(plan, settings, Resolution.of(plan.index, roster), {
    ...nothingCarried(),
    variants: old.variants,
    filters,
    stale,
  });
}

function follow(
  previous: Compilation,
  roster: Roster,
  touched: readonly number[],
): { next: Compilation; scope: Scope } {
  const resolution = previous.resolution.after(roster, touched);
  const scope = scopeOfNodes(previous, resolution, touched);
  const carried = previous.carry(SlotSet.unionOf([scope.filters, scope.maybeFilters, scope.swapped.nodes]));
  return { next: new Compilation(previous.plan, previous.settings, resolution, carried), scope };
}

function compileAnew(previous: Compilation, roster: Roster, change: PolicyChange): { next: Compilation; scope: Scope } {
  const plan = change.policy === undefined ? previous.plan : makePlan(change.policy.to);
  const resolution = Resolution.of(plan.index, roster);
  const scope = scopeOfPolicy(previous, { plan, resolution });
  const carried = previous.carry(scope.maybeFilters);
  return { next: new Compilation(plan, change.settings ?? previous.settings, resolution, carried), scope };
}

function changeRoster(before: Roster, change: PolicyChange): { roster: Roster; touched: number[] } {
  const { putUsers = [], removedUsers = [], putNodes = [], removedNodes = [], services } = change;
  if (putUsers.length + removedUsers.length === 0 && services === undefined)
    return before.change(putNodes, removedNodes);
  const users = new Map(before.directory.users);
  for (const id of removedUsers) users.delete(id);
  for (const user of putUsers) users.set(user.id, user);
  const named =
    services === undefined ? before.services : new Map(services.map(({ name, addresses }) => [name, addresses]));
  const renamed = before.withUsers(users, named);
  const { roster, touched } = renamed.change(putNodes, removedNodes);
  return {
    roster,
    touched: [
      ...new Set([...touched, ...slotsOfUsers(before, roster, [...removedUsers, ...putUsers.map(({ id }) => id)])]),
    ],
  };
}

/** Devices of users who changed, and of those who go by a name that one of them goes or went by. */
function slotsOfUsers(before: Roster, after: Roster, changed: readonly number[]): number[] {
  const owners = new Set(changed);
  for (const { directory } of [before, after]) {
    for (const id of changed) {
      const user = directory.user(id);
      if (user !== undefined)
        for (const other of [...before.directory.sharing(user), ...after.directory.sharing(user)]) owners.add(other);
    }
  }
  return [...owners].flatMap((owner) => [...(before.byOwner.get(owner) ?? []), ...(after.byOwner.get(owner) ?? [])]);
}
