import type { Prefix } from "@headscale/netip";
import { sameAddresses } from "#resolve/node-facts.ts";
import { SlotSet } from "#resolve/slot-set.ts";
import type { SourceState } from "#resolve/source-state.ts";
import type { Compilation } from "./compilation.ts";

/** Where a change can have made a difference; everything outside is known to be as it was. */
export interface Scope {
  /** Nodes whose filter surely changed. */
  readonly filters: SlotSet;
  /** Nodes whose filter may have changed. */
  readonly maybeFilters: SlotSet;
  /** Of every pair that sees each other now and did not before, or the other way round, at least one is here. */
  readonly viewers: SlotSet;
  readonly prefixes: ReadonlySet<Prefix>;
  readonly exitNodes: SlotSet;
  readonly ssh: SlotSet;
  /** Nodes whose own record may have changed. */
  readonly nodes: SlotSet;
}

/** Scope of a change of a few nodes under the same policy. */
export function scopeOfNodes(before: Compilation, after: Compilation["resolution"], touched: readonly number[]): Scope {
  const scoping = new NodeScoping(before, after, touched);
  const nodes = SlotSet.of(touched);
  return {
    filters: scoping.filters().minus(nodes),
    maybeFilters: nodes,
    viewers: nodes.union(scoping.routersAround()),
    prefixes: scoping.prefixes(),
    exitNodes: nodes,
    ssh: nodes.union(scoping.ssh()),
    nodes,
  };
}

class NodeScoping {
  readonly #plan: Compilation["plan"];
  readonly #before: Compilation["resolution"];
  readonly #after: Compilation["resolution"];
  readonly #touched: readonly number[];
  readonly #moved: readonly number[];

  constructor(before: Compilation, after: Compilation["resolution"], touched: readonly number[]) {
    this.#plan = before.plan;
    this.#before = before.resolution;
    this.#after = after;
    this.#touched = touched;
    const { bySlot } = after.roster;
    this.#moved = touched.filter((slot) => !sameAddresses(before.resolution.roster.bySlot[slot], bySlot[slot]));
  }

  /** Receivers of rules whose sources have other addresses now. */
  filters(): SlotSet {
    const reached: SlotSet[] = [];
    this.#plan.edges.destsOf.forEach((dests, source) => {
      if (!this.#sourceMoved(this.#before.source(source), this.#after.source(source))) return;
      for (const dest of dests) reached.push(this.#after.receivers(dest));
    });
    return SlotSet.unionOf([...reached, ...this.#selfReceivers()]);
  }

  #sourceMoved(old: SourceState, state: SourceState): boolean {
    if (old === state || state.isDanger) return false;
    const { roster } = this.#after;
    if (state.isAny && !sameKeys(this.#before.roster.routes, roster.routes)) return true;
    const listedSame = old.named.equals(state.named) && !this.#moved.some((slot) => state.named.has(slot));
    if (listedSame) return false;
    return state.literals.length === 0 || !old.listed.equals(state.listed);
  }

  /** Devices of the owners of touched devices, where rules to `autogroup:self` have other addresses in them now. */
  #selfReceivers(): SlotSet[] {
    if (this.#plan.edges.selfSources.length === 0) return [];
    return this.#touched.flatMap((slot) => {
      const owners = [this.#before.roster.bySlot[slot]?.ownerId, this.#after.roster.bySlot[slot]?.ownerId];
      return [...new Set(owners)].flatMap((owner) => (owner === undefined ? [] : this.#selfReceiversOf(owner, slot)));
    });
  }

  #selfReceiversOf(owner: number, slot: number): SlotSet[] {
    const { selfSources, selfCompanions } = this.#plan.edges;
    const devices = this.#after.roster.byOwner.get(owner) ?? SlotSet.empty;
    if (selfSources.some((source) => this.#selfMoved(owner, slot, source))) return [devices];
    if (!this.#deviceMoved(owner, slot)) return [];
    return selfCompanions.map((source) => devices.intersect(this.#after.source(source).nodes));
  }

  #selfMoved(owner: number, slot: number, source: number): boolean {
    const was = this.#before.roster.bySlot[slot]?.ownerId === owner && this.#before.source(source).nodes.has(slot);
    const is = this.#after.roster.bySlot[slot]?.ownerId === owner && this.#after.source(source).nodes.has(slot);
    return was !== is || (is && this.#moved.includes(slot));
  }

  #deviceMoved(owner: number, slot: number): boolean {
    const was = this.#before.roster.bySlot[slot]?.ownerId === owner;
    const is = this.#after.roster.bySlot[slot]?.ownerId === owner;
    return was !== is || (is && this.#moved.includes(slot));
  }

  /** Routers with a touched node inside a route: sources with that node meet them, or no longer do. */
  routersAround(): SlotSet {
    return SlotSet.unionOf(this.#routesAround().map(({ routers }) => routers));
  }

  #routesAround() {
    const routes = [...this.#before.roster.routes.values(), ...this.#after.roster.routes.values()];
    return routes.filter(({ inside }) => this.#touched.some((slot) => inside.has(slot)));
  }

  prefixes(): Set<Prefix> {
    const own = this.#touched.flatMap((slot) => [
      ...(this.#before.roster.bySlot[slot]?.subnetRoutes ?? []),
      ...(this.#after.roster.bySlot[slot]?.subnetRoutes ?? []),
    ]);
    return new Set([...own, ...this.#routesAround().map(({ prefix }) => prefix)]);
  }

  /** Everybody with a rule whose principals or recorders may have changed. */
  ssh(): SlotSet {
    const parts: SlotSet[] = [];
    for (const { source, dests, recorders, toSelf } of this.#plan.ssh ?? []) {
      const old = this.#before.source(source).nodes;
      const now = this.#after.source(source).nodes;
      const recorder = recorders.some((tag) =>
        this.#touched.some((slot) => this.#before.holders(tag).has(slot) || this.#after.holders(tag).has(slot)),
      );
      if (!recorder && !this.#touched.some((slot) => old.has(slot) || now.has(slot))) continue;
      parts.push(old, now, ...dests.map((selector) => this.#after.holders(selector)));
      if (toSelf) parts.push(...this.#devicesOfOwners(old.union(now)));
    }
    return SlotSet.unionOf(parts);
  }

  #devicesOfOwners(slots: SlotSet): SlotSet[] {
    const owners = new Set(
      slots
        .toArray()
        .flatMap((slot) => [this.#before.roster.bySlot[slot]?.ownerId, this.#after.roster.bySlot[slot]?.ownerId]),
    );
    return [...owners].map((owner) => this.#after.roster.byOwner.get(owner ?? -1) ?? SlotSet.empty);
  }
}

function sameKeys(a: ReadonlyMap<Prefix, unknown>, b: ReadonlyMap<Prefix, unknown>): boolean {
  return a.size === b.size && [...a.keys()].every((key) => b.has(key));
}
