import type { NodeFacts } from "./node-facts.ts";
import type { PolicyIndex } from "./policy-index.ts";
import { satisfies } from "./posture-verdict.ts";
import type { Roster } from "./roster.ts";
import { SlotSet } from "./slot-set.ts";

/** Which nodes each selector and posture denotes. */
export interface Membership {
  /** By selector: nodes denoted by owner, tag or own address. */
  readonly holders: readonly (SlotSet | undefined)[];
  /** By literal selector: routers with a subnet route that overlaps it. */
  readonly routers: readonly (SlotSet | undefined)[];
  readonly postures: ReadonlyMap<string, SlotSet>;
}

export interface MembershipChange extends Membership {
  /** Selectors that do not denote the same nodes as before. */
  readonly changed: ReadonlySet<number>;
  readonly changedPostures: ReadonlySet<string>;
}

export const noMembers: Membership = { holders: [], routers: [], postures: new Map() };

/** Brings a membership up to date for the touched slots alone; sets that stay the same stay the same objects. */
export function refreshMembership(
  index: PolicyIndex,
  roster: Roster,
  before: Membership,
  touched: readonly number[],
): MembershipChange {
  const wanted = new Wanted();
  for (const slot of touched) {
    const facts = roster.bySlot[slot];
    if (facts !== undefined) wanted.collect(index, roster, facts);
  }
  const changed = new Set<number>();
  const changedPostures = new Set<string>();
  const holders = refileAll(before.holders, wanted.holders, touched, changed);
  const routers = refileAll(before.routers, wanted.routers, touched, changed);
  const postures = new Map<string, SlotSet>();
  for (const name of index.postures) {
    const old = before.postures.get(name) ?? SlotSet.empty;
    const next = refile(old, wanted.postures.get(name), touched);
    postures.set(name, next);
    if (next !== old) changedPostures.add(name);
  }
  return { holders, routers, postures, changed, changedPostures };
}

/** Where the touched nodes belong now. */
class Wanted {
  readonly holders = new Map<number, number[]>();
  readonly routers = new Map<number, number[]>();
  readonly postures = new Map<string, number[]>();

  collect(index: PolicyIndex, roster: Roster, facts: NodeFacts): void {
    const { slot } = facts;
    for (const id of index.people.selectorsOf(facts, roster.directory)) file(this.holders, id, slot);
    for (const id of overlappingAny(index, facts.ranges)) file(this.holders, id, slot);
    const routeRanges = facts.subnetRoutes
      .map((route) => roster.routes.get(route)?.range)
      .filter((range) => range !== undefined);
    for (const id of overlappingAny(index, routeRanges)) file(this.routers, id, slot);
    for (const name of index.postures) {
      const assertions = index.policy?.postures.get(name);
      if (assertions !== undefined && satisfies(attributesOf(facts), assertions)) file(this.postures, name, slot);
    }
  }
}

function overlappingAny(index: PolicyIndex, ranges: NodeFacts["ranges"]): Set<number> {
  return new Set(ranges.flatMap((range) => [...index.addresses.overlapping(range)]));
}

function attributesOf({ node }: NodeFacts) {
  return node.os === undefined ? (node.attributes ?? {}) : { "node:os": node.os.toLowerCase(), ...node.attributes };
}

function file<K>(lists: Map<K, number[]>, key: K, slot: number): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [slot]);
  else list.push(slot);
}

function refileAll(
  before: readonly (SlotSet | undefined)[],
  wanted: ReadonlyMap<number, readonly number[]>,
  touched: readonly number[],
  changed: Set<number>,
): (SlotSet | undefined)[] {
  const after = before.slice();
  const put = (id: number, old: SlotSet, slots: readonly number[] | undefined) => {
    const next = refile(old, slots, touched);
    if (next === old) return;
    after[id] = next;
    changed.add(id);
  };
  before.forEach((old, id) => {
    if (old !== undefined && !wanted.has(id)) put(id, old, undefined);
  });
  for (const [id, slots] of wanted) put(id, before[id] ?? SlotSet.empty, slots);
  return after;
}

/** The set with those touched slots in it that belong there now; the same object if nothing changed. */
function refile(old: SlotSet, slots: readonly number[] | undefined, touched: readonly number[]): SlotSet {
  if (slots === undefined && !touched.some((slot) => old.has(slot))) return old;
  const next = old.minus(SlotSet.of(touched)).union(SlotSet.of(slots ?? []));
  return next.equals(old) ? old : next;
}
