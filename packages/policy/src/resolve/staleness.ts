import type { MembershipChange } from "./membership.ts";
import { sameAddresses } from "./node-facts.ts";
import type { PolicyIndex } from "./policy-index.ts";
import type { Roster } from "./roster.ts";
import { SlotSet } from "./slot-set.ts";

/** Numbers of the source lists and receiver lists that must be worked out anew after a change of nodes. */
export interface Stale {
  readonly sources: ReadonlySet<number>;
  readonly dests: ReadonlySet<number>;
}

/** Found by way of the selectors that the change concerns, so that lists it does not concern cost nothing. */
export function findStale(
  index: PolicyIndex,
  before: Roster,
  after: Roster,
  touched: readonly number[],
  members: MembershipChange,
): Stale {
  const denoting = new Set([...members.changed, ...index.services]);
  if (!before.all.equals(after.all)) addAll(denoting, index.opens);
  const exits = before.exitNodes.equals(after.exitNodes) ? [] : throughExits(index);
  const { sources, dests, tagged } = index.usage;
  const staleDests = collect(dests, [...denoting, ...exits]);
  addAll(staleDests, collect(tagged, denoting));
  const listing = new Set([...denoting, ...readdressed(index, members, before, after, touched)]);
  if (!sameRoutes(before, after)) addAll(listing, index.opens);
  const staleSources = collect(sources, listing);
  if (members.changedPostures.size > 0) {
    for (const [id, { postures }] of index.sources.entries()) {
      if (postures.some((name) => members.changedPostures.has(name))) staleSources.add(id);
    }
  }
  for (const [dest, source] of index.companions) if (staleSources.has(source)) staleDests.add(dest);
  return { sources: staleSources, dests: staleDests };
}

/** Selectors with nodes whose addresses are other ones now, or inside a route whose routers are other ones. */
function readdressed(
  index: PolicyIndex,
  members: MembershipChange,
  before: Roster,
  after: Roster,
  touched: readonly number[],
): number[] {
  const routes = [...before.routes.values(), ...after.routes.values()];
  const moved = routes.filter(({ prefix }) => before.routes.get(prefix) !== after.routes.get(prefix));
  const slots = SlotSet.unionOf([
    SlotSet.of(touched.filter((slot) => !sameAddresses(before.bySlot[slot], after.bySlot[slot]))),
    ...moved.map(({ inside }) => inside),
  ]);
  if (slots.isEmpty) return [];
  // With a posture, `*` spells out the addresses of the nodes that satisfy it.
  const denoting = [...index.opens];
  members.holders.forEach((holders, selector) => {
    if (holders?.meets(slots) === true) denoting.push(selector);
  });
  return denoting;
}

function sameRoutes(before: Roster, after: Roster): boolean {
  return (
    before.routes.size === after.routes.size &&
    [...after.routes].every(([prefix, facts]) => before.routes.get(prefix) === facts)
  );
}

function throughExits(index: PolicyIndex): number[] {
  return [...index.selectors.keys()].filter((id) => {
    const spec = index.selectors[id];
    return spec?.kind === "internet" || (spec?.kind === "literal" && spec.isPublic);
  });
}

function collect(lists: readonly (readonly number[])[], selectors: Iterable<number>): Set<number> {
  const found = new Set<number>();
  for (const selector of selectors) addAll(found, lists[selector] ?? []);
  return found;
}

function addAll(set: Set<number>, items: Iterable<number>): void {
  for (const item of items) set.add(item);
}
