import type { Resolution } from "#resolve/resolution.ts";
import { SlotSet } from "#resolve/slot-set.ts";
import type { Edges } from "./edges.ts";

/** Rules to `autogroup:self` among the devices of one owner: who receives one, its sources, and whom they meet. */
export interface SelfRelation {
  readonly receivers: SlotSet;
  readonly sources: SlotSet;
  readonly meets: SlotSet;
}

/**
 * Who sees whom: two nodes see each other if a rule that one of them receives has a source that meets the other.
 * Asked node by node; the unions behind the answers are kept by source list and by receiver list.
 */
export class Visibility {
  readonly #resolution: Resolution;
  readonly #edges: Edges;
  readonly #reach: (SlotSet | undefined)[] = [];
  readonly #back: (SlotSet | undefined)[] = [];
  readonly #relations = new Map<number, readonly SelfRelation[]>();
  #selfSources: SlotSet | undefined;

  constructor(resolution: Resolution, edges: Edges) {
    this.#resolution = resolution;
    this.#edges = edges;
  }

  /** Everybody the node sees; itself too where a rule connects it to itself. */
  peers(slot: number): SlotSet {
    const parts: SlotSet[] = [];
    for (let source = 0; source < this.#edges.destsOf.length; source += 1) {
      if (this.#resolution.source(source).meets.has(slot)) parts.push(this.reach(source));
    }
    for (let dest = 0; dest < this.#edges.sourcesOf.length; dest += 1) {
      if (this.#resolution.receivers(dest).has(slot)) parts.push(this.back(dest));
    }
    for (const { receivers, meets } of this.#relationsAround(slot)) {
      if (receivers.has(slot)) parts.push(meets);
      if (meets.has(slot)) parts.push(receivers);
    }
    return SlotSet.unionOf(parts);
  }

  /** Nodes that receive a rule with this source list. */
  reach(source: number): SlotSet {
    const reach =
      this.#reach[source] ??
      SlotSet.unionOf((this.#edges.destsOf[source] ?? []).map((dest) => this.#resolution.receivers(dest)));
    this.#reach[source] = reach;
    return reach;
  }

  /** Nodes that a rule for this receiver list lets in. */
  back(dest: number): SlotSet {
    const back =
      this.#back[dest] ??
      SlotSet.unionOf((this.#edges.sourcesOf[dest] ?? []).map((source) => this.#resolution.source(source).meets));
    this.#back[dest] = back;
    return back;
  }

  relationsOf(owner: number): readonly SelfRelation[] {
    const known = this.#relations.get(owner);
    if (known !== undefined) return known;
    const relations = this.#makeRelations(owner);
    this.#relations.set(owner, relations);
    return relations;
  }

  #makeRelations(owner: number): SelfRelation[] {
    if (this.#edges.selfSources.length === 0) return [];
    const devices = this.#resolution.roster.byOwner.get(owner) ?? SlotSet.empty;
    this.#selfSources ??= this.#nodesOf(this.#edges.selfSources);
    const sources = devices.intersect(this.#selfSources);
    if (sources.isEmpty) return [];
    const relations = [{ receivers: devices, sources, meets: sources.union(this.#resolution.routersAround(sources)) }];
    if (this.#edges.selfCompanions.length > 0) {
      const told = devices.intersect(this.#nodesOf(this.#edges.selfCompanions));
      relations.push({
        receivers: told,
        sources: devices,
        meets: devices.union(this.#resolution.routersAround(devices)),
      });
    }
    return relations;
  }

  #nodesOf(sources: readonly number[]): SlotSet {
    return SlotSet.unionOf(sources.map((source) => this.#resolution.source(source).nodes));
  }

  /** Relations of the node's owner and, for a router, of the owners of devices inside its routes. */
  *#relationsAround(slot: number): Generator<SelfRelation> {
    if (this.#edges.selfSources.length === 0) return;
    const { roster } = this.#resolution;
    const facts = roster.bySlot[slot];
    const owners = new Set<number | undefined>([facts?.ownerId]);
    for (const route of facts?.subnetRoutes ?? []) {
      for (const inside of roster.routes.get(route)?.inside ?? []) owners.add(roster.bySlot[inside]?.ownerId);
    }
    for (const owner of owners) if (owner !== undefined) yield* this.relationsOf(owner);
  }
}
