import type { Prefix } from "@headscale/netip";
import { sameAddresses } from "#resolve/node-facts.ts";
import { SlotSet } from "#resolve/slot-set.ts";
import type { Compilation } from "./compilation.ts";
import { movedFilters } from "./source-moves.ts";

/** Where a change can have made a difference; everything outside is known to be as it was. */
export interface Scope {
  /** Nodes whose filter surely changed. */
  readonly filters: SlotSet;
  /** Nodes whose filter may have changed. */
  readonly maybeFilters: SlotSet;
  /** Nodes for whom nothing changed but what rules from some source lists say, if they say something else together. */
  readonly swapped: { readonly nodes: SlotSet; readonly sources: ReadonlySet<number> };
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
  const moved = touched.filter(
    (slot) => !sameAddresses(before.resolution.roster.bySlot[slot], after.roster.bySlot[slot]),
  );
  const filters = movedFilters(before.plan.edges, { before: before.resolution, after, touched, moved });
  return {
    filters: filters.sure.minus(nodes),
    maybeFilters: nodes,
    swapped: { nodes: filters.swapped.minus(nodes), sources: filters.sources },
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

  constructor(before: Compilation, after: Compilation["resolution"], touched: readonly number[]) {
    this.#plan = before.plan;
    this.#before = before.resolution;
    this.#after = after;
    this.#touched = touched;
  }

  /** Routers with a touched node inside a route: sources with that node meet them, or no longer do. */
  routersAround(): SlotSet {
    return SlotSet.unionOf(this.#routesAround().map(({ routers }) => routers));
  }

  #routesAround() {
    const routes = [...this.#before.roster.routes.values(), ...this.#after.roster.routes.values()];
    return routes.filter(({ inside }) => this.#touched.some((slot) => inside.has(slot)));
  }

  /** Those of touched routers, and of all that came into or out of sight by what lies in another route of theirs. */
  prefixes(): Set<Prefix> {
    const routers = [...this.#touched, ...this.routersAround()];
    const own = [this.#before, this.#after].flatMap(({ roster }) =>
      routers.flatMap((slot) => roster.bySlot[slot]?.subnetRoutes ?? []),
    );
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
