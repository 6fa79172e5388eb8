import type { Resolution } from "#resolve/resolution.ts";
import { SlotSet } from "#resolve/slot-set.ts";
import type { SourceState } from "#resolve/source-state.ts";
import type { Edges } from "./edges.ts";
import { sameTexts } from "./rule-bag.ts";

/** Whose filters speak of other addresses after a change of nodes, by way of the source lists that now say others. */
export interface MovedFilters {
  /** Nodes for whom one of the lists became what no other was, or was what no other became. */
  readonly sure: SlotSet;
  /** Nodes whose lists may only have changed places: rules with the same destinations then say the same together. */
  readonly swapped: SlotSet;
  /** Every list that says something else. */
  readonly sources: ReadonlySet<number>;
}

/** A list that says something else to these receivers. */
interface Move {
  readonly source: number;
  readonly receivers: SlotSet;
  readonly trend: "grew" | "shrank" | "turned";
  readonly old: () => readonly string[];
  readonly now: () => readonly string[];
}

/** `moved`: the touched nodes that have other addresses now. */
export interface NodesChange {
  readonly before: Resolution;
  readonly after: Resolution;
  readonly touched: readonly number[];
  readonly moved: readonly number[];
}

export function movedFilters(edges: Edges, change: NodesChange): MovedFilters {
  const moves = new SourceMoves(edges, change).all();
  const { sure, swapped } = swappable(moves) ? sorted(moves) : { sure: receiversOf(moves), swapped: SlotSet.empty };
  return { sure, swapped: swapped.minus(sure), sources: new Set(moves.map(({ source }) => source)) };
}

/** Lists that all grew cannot have changed places: the longest of them became what none was. Likewise for shrinking. */
function swappable(moves: readonly Move[]): boolean {
  const [first] = moves;
  return moves.length > 1 && moves.some(({ trend }) => trend === "turned" || trend !== first?.trend);
}

function sorted(moves: readonly Move[]): { sure: SlotSet; swapped: SlotSet } {
  const spoken = moves.map(({ old, now }) => ({ old: old().join(), now: now().join() }));
  const [were, are] = [new Set(spoken.map(({ old }) => old)), new Set(spoken.map(({ now }) => now))];
  const paired = spoken.map(({ old, now }) => (old === "" || are.has(old)) && (now === "" || were.has(now)));
  return {
    sure: receiversOf(moves.filter((_, index) => paired[index] !== true)),
    swapped: receiversOf(moves.filter((_, index) => paired[index] === true)),
  };
}

function receiversOf(moves: readonly Move[]): SlotSet {
  return SlotSet.unionOf(new Set(moves.map(({ receivers }) => receivers)));
}

class SourceMoves {
  readonly #edges: Edges;
  readonly #before: Resolution;
  readonly #after: Resolution;
  readonly #touched: readonly number[];
  readonly #moved: SlotSet;

  constructor(edges: Edges, { before, after, touched, moved }: NodesChange) {
    this.#edges = edges;
    this.#before = before;
    this.#after = after;
    this.#touched = touched;
    this.#moved = SlotSet.of(moved);
  }

  all(): Move[] {
    const moves = this.#edges.destsOf.flatMap((dests, source) => {
      const [old, now] = [this.#before.source(source), this.#after.source(source)];
      if (dests.length === 0 || !this.#isOther(old, now)) return [];
      const receivers = SlotSet.unionOf(dests.map((dest) => this.#after.receivers(dest)));
      return { source, receivers, trend: this.#trend(old, now), old: () => old.texts, now: () => now.texts };
    });
    return moves.concat(this.#selfMoves());
  }

  #isOther(old: SourceState, now: SourceState): boolean {
    if (old === now || now.isDanger) return false;
    const routed = now.isAny && !sameKeys(this.#before.roster.routes, this.#after.roster.routes);
    const listedSame = old.named.equals(now.named) && !this.#moved.meets(now.named);
    if (now.literals.length === 0) return routed || !listedSame;
    // A route may be written in the list already, an address may lie in a network that is.
    if (routed) return !sameTexts(old.texts, now.texts);
    return !listedSame && !old.listed.equals(now.listed);
  }

  #trend(old: SourceState, now: SourceState): Move["trend"] {
    const routes = (state: SourceState, resolution: Resolution) => (state.isAny ? resolution.roster.routes : noRoutes);
    const [was, is] = [routes(old, this.#before), routes(now, this.#after)];
    if (this.#moved.meets(old.named.intersect(now.named))) return "turned";
    if (old.named.minus(now.named).isEmpty && holds(is, was)) return "grew";
    return now.named.minus(old.named).isEmpty && holds(was, is) ? "shrank" : "turned";
  }

  /** Devices of the owners of touched devices, where rules to `autogroup:self` have other addresses in them now. */
  #selfMoves(): Move[] {
    if (this.#edges.selfSources.length === 0) return [];
    const owners = this.#touched.flatMap((slot) => [
      this.#before.roster.bySlot[slot]?.ownerId,
      this.#after.roster.bySlot[slot]?.ownerId,
    ]);
    return [...new Set(owners)].flatMap((owner) => (owner === undefined ? [] : this.#selfMovesOf(owner)));
  }

  #selfMovesOf(owner: number): Move[] {
    const [were, are] = [this.#before, this.#after].map(({ roster }) => roster.byOwner.get(owner) ?? SlotSet.empty);
    const [old, now] = [were ?? SlotSet.empty, are ?? SlotSet.empty];
    const among = (source: number) =>
      [old.intersect(this.#before.source(source).nodes), now.intersect(this.#after.source(source).nodes)] as const;
    const { selfSources, selfCompanions } = this.#edges;
    return [
      ...selfSources.flatMap((source) => this.#selfMove(source, ...among(source), now)),
      ...selfCompanions.flatMap((source) => this.#selfMove(source, old, now, among(source)[1])),
    ];
  }

  #selfMove(source: number, old: SlotSet, now: SlotSet, receivers: SlotSet): Move[] {
    const turned = this.#moved.meets(old.intersect(now));
    if (old.equals(now) && !turned) return [];
    const trend = old.minus(now).isEmpty ? "grew" : now.minus(old).isEmpty ? "shrank" : "turned";
    return [
      {
        source,
        receivers,
        trend: turned ? "turned" : trend,
        old: () => this.#before.roster.addressesOf(old).texts(),
        now: () => this.#after.roster.addressesOf(now).texts(),
      },
    ];
  }
}

const noRoutes: ReadonlyMap<string, unknown> = new Map();

function holds(all: ReadonlyMap<string, unknown>, some: ReadonlyMap<string, unknown>): boolean {
  return some === all || [...some.keys()].every((key) => all.has(key));
}

function sameKeys(a: ReadonlyMap<string, unknown>, b: ReadonlyMap<string, unknown>): boolean {
  return a.size === b.size && holds(a, b);
}
