import { type Membership, noMembers, refreshMembership } from "./membership.ts";
import type { DestSpec, PolicyIndex, SourceSpec } from "./policy-index.ts";
import type { Roster } from "./roster.ts";
import { SlotSet } from "./slot-set.ts";
import { SourceState } from "./source-state.ts";
import { findStale } from "./staleness.ts";

/** Which nodes the selectors, source lists and receiver lists of a policy denote at one moment. */
export class Resolution {
  readonly index: PolicyIndex;
  readonly roster: Roster;
  readonly #members: Membership;
  #sources: (SourceState | undefined)[];
  #dests: (SlotSet | undefined)[];

  private constructor(index: PolicyIndex, roster: Roster, members: Membership) {
    this.index = index;
    this.roster = roster;
    this.#members = members;
    this.#sources = new Array(index.sources.length).fill(undefined);
    this.#dests = new Array(index.dests.length).fill(undefined);
  }

  static of(index: PolicyIndex, roster: Roster): Resolution {
    return new Resolution(index, roster, refreshMembership(index, roster, noMembers, roster.all.toArray()));
  }

  /** The same policy after the nodes in `touched` changed; what they do not concern is carried over as it is. */
  after(roster: Roster, touched: readonly number[]): Resolution {
    const members = refreshMembership(this.index, roster, this.#members, touched);
    const next = new Resolution(this.index, roster, members);
    const stale = findStale(this.index, this.roster, roster, touched, members);
    next.#sources = this.#sources.slice();
    next.#dests = this.#dests.slice();
    for (const id of stale.sources) next.#sources[id] = undefined;
    for (const id of stale.dests) next.#dests[id] = undefined;
    for (const state of next.#sources) state?.rebind(next);
    return next;
  }

  source(id: number): SourceState {
    const state = this.#sources[id] ?? new SourceState(this, this.index.sources[id] as SourceSpec);
    this.#sources[id] = state;
    return state;
  }

  /** Nodes that a receiver list denotes. */
  receivers(id: number): SlotSet {
    const receivers = this.#dests[id] ?? this.#receiversOf(this.index.dests[id] as DestSpec);
    this.#dests[id] = receivers;
    return receivers;
  }

  /** Nodes that a selector denotes by themselves: by owner, tag or own address. */
  holders(selector: number): SlotSet {
    const spec = this.index.selectors[selector];
    if (spec?.kind === "any" || spec?.kind === "danger") return this.roster.all;
    if (spec?.kind === "service") return this.#hosts(spec.name);
    return this.#members.holders[selector] ?? SlotSet.empty;
  }

  /** Routers whose subnet routes overlap a literal selector. */
  routers(selector: number): SlotSet {
    return this.#members.routers[selector] ?? SlotSet.empty;
  }

  /** Nodes that satisfy at least one of the postures. */
  compliant(postures: readonly string[]): SlotSet {
    return SlotSet.unionOf(postures.map((name) => this.#members.postures.get(name) ?? SlotSet.empty));
  }

  /** Routers that have the address of one of these nodes inside a subnet route. */
  routersAround(nodes: SlotSet): SlotSet {
    const around: SlotSet[] = [];
    for (const { inside, routers } of this.roster.routes.values()) if (inside.meets(nodes)) around.push(routers);
    return SlotSet.unionOf(around);
  }

  #hosts(service: string): SlotSet {
    const hosting = this.roster.bySlot.filter((facts) => facts?.node.services?.includes(service) === true);
    return SlotSet.of(hosting.map((facts) => facts?.slot ?? 0));
  }

  #receiversOf(spec: DestSpec): SlotSet {
    if (spec.kind === "sources") return this.source(spec.source).nodes;
    if (spec.kind === "selectors") {
      return SlotSet.unionOf(spec.selectors.map((id) => this.receiving(id, spec.capability)));
    }
    const tagged = SlotSet.unionOf(spec.tags.map((tag) => this.holders(tag)));
    return tagged.intersect(SlotSet.unionOf(spec.selectors.map((id) => this.#routing(id))));
  }

  /** Nodes to which a destination selector leaves something. */
  receiving(selector: number, capability: boolean): SlotSet {
    const spec = this.index.selectors[selector];
    if (spec?.kind === "internet") return this.roster.exitNodes;
    if (spec?.kind !== "literal") return this.holders(selector);
    const throughExit = !capability && spec.isPublic ? this.roster.exitNodes : SlotSet.empty;
    return SlotSet.unionOf([this.holders(selector), this.routers(selector), throughExit]);
  }

  #routing(selector: number): SlotSet {
    return this.index.selectors[selector]?.kind === "internet" ? this.roster.exitNodes : this.routers(selector);
  }
}
