import { type Addr, type AddrRange, AddrSet, comparePrefixes, type Prefix, prefixRange } from "@headscale/netip";
import type { PolicyNode, PolicyService, PolicyUser } from "../engine.ts";
import { type NodeFacts, nodeFacts } from "./node-facts.ts";
import { SlotSet } from "./slot-set.ts";
import { UserDirectory } from "./user-directory.ts";

/** An approved subnet route: who serves it, and which nodes have an address inside it. */
export interface RouteFacts {
  readonly prefix: Prefix;
  readonly range: AddrRange;
  readonly routers: SlotSet;
  readonly inside: SlotSet;
}

/** The nodes and users of one moment. Immutable; slots are small numbers that a node keeps for as long as it is known. */
export class Roster {
  readonly directory: UserDirectory;
  readonly services: ReadonlyMap<string, readonly Addr[]>;
  readonly bySlot: readonly (NodeFacts | undefined)[];
  readonly all: SlotSet;
  /** Untagged nodes by owner. */
  readonly byOwner: ReadonlyMap<number, SlotSet>;
  readonly exitNodes: SlotSet;
  /** In ascending order of prefix. */
  readonly routes: ReadonlyMap<Prefix, RouteFacts>;
  /** Grows only and is shared by all later rosters: ids are never used again. */
  readonly #slots: Map<number, number>;

  private constructor(
    parts: Omit<
      Roster,
      "slotOf" | "facts" | "change" | "withUsers" | "isSparse" | "inOrder" | "idsOf" | "addressesOf"
    > & {
      slots: Map<number, number>;
    },
  ) {
    this.directory = parts.directory;
    this.services = parts.services;
    this.bySlot = parts.bySlot;
    this.all = parts.all;
    this.byOwner = parts.byOwner;
    this.exitNodes = parts.exitNodes;
    this.routes = parts.routes;
    this.#slots = parts.slots;
  }

  static of(users: Iterable<PolicyUser>, nodes: Iterable<PolicyNode>, services: Iterable<PolicyService>): Roster {
    const empty = new Roster({
      directory: new UserDirectory(new Map(Array.from(users, (user) => [user.id, user]))),
      services: new Map(Array.from(services, ({ name, addresses }) => [name, addresses])),
      bySlot: [],
      all: SlotSet.empty,
      byOwner: new Map(),
      exitNodes: SlotSet.empty,
      routes: new Map(),
      slots: new Map(),
    });
    return empty.change(Array.from(nodes), []).roster;
  }

  /** Whether most slots belong to nodes that are gone, as happens where machines come and go by the hour. */
  get isSparse(): boolean {
    return this.bySlot.length > 1024 && this.bySlot.length > 2 * this.all.toArray().length;
  }

  slotOf(nodeId: number): number | undefined {
    const slot = this.#slots.get(nodeId);
    return slot !== undefined && this.bySlot[slot] !== undefined ? slot : undefined;
  }

  facts(nodeId: number): NodeFacts | undefined {
    const slot = this.#slots.get(nodeId);
    return slot === undefined ? undefined : this.bySlot[slot];
  }

  /** All addresses of these nodes. */
  addressesOf(nodes: SlotSet): AddrSet {
    return AddrSet.unionOf(nodes.toArray().map((slot) => this.bySlot[slot]?.set ?? AddrSet.empty));
  }

  /** These nodes in ascending order of id. */
  inOrder(slots: SlotSet): NodeFacts[] {
    const found = slots.toArray().map((slot) => this.bySlot[slot]);
    return found.filter((facts) => facts !== undefined).sort((a, b) => a.node.id - b.node.id);
  }

  /** Ascending ids of these nodes. */
  idsOf(slots: SlotSet): number[] {
    return this.inOrder(slots).map(({ node }) => node.id);
  }

  withUsers(users: ReadonlyMap<number, PolicyUser>, services: ReadonlyMap<string, readonly Addr[]>): Roster {
    return new Roster({ ...this, slots: this.#slots, directory: new UserDirectory(users), services });
  }

  /** Puts and removes nodes; `touched` are their slots. */
  change(put: readonly PolicyNode[], removed: readonly number[]): { roster: Roster; touched: number[] } {
    const bySlot = this.bySlot.slice();
    const touched = new Set<number>();
    for (const id of removed) {
      const slot = this.slotOf(id);
      if (slot === undefined) continue;
      bySlot[slot] = undefined;
      touched.add(slot);
    }
    for (const node of put) {
      const slot = this.#slots.get(node.id) ?? this.#slots.size;
      this.#slots.set(node.id, slot);
      bySlot[slot] = nodeFacts(node, slot);
      touched.add(slot);
    }
    const slots = [...touched];
    return {
      roster: new Roster({ ...this, ...this.#derive(bySlot, slots), bySlot, slots: this.#slots }),
      touched: slots,
    };
  }

  #derive(bySlot: readonly (NodeFacts | undefined)[], touched: readonly number[]) {
    const changes = touched.map((slot) => ({ slot, before: this.bySlot[slot], after: bySlot[slot] }));
    const present = (facts: NodeFacts | undefined) => facts !== undefined;
    const isExit = (facts: NodeFacts | undefined) => facts !== undefined && facts.exitRoutes.length > 0;
    return {
      all: refile(this.all, changes, present),
      exitNodes: refile(this.exitNodes, changes, isExit),
      byOwner: this.#owners(changes),
      routes: this.#routes(changes, bySlot),
    };
  }

  #owners(changes: readonly Change[]): ReadonlyMap<number, SlotSet> {
    const byOwner = new Map(this.byOwner);
    const owners = new Set(changes.flatMap(({ before, after }) => [before?.ownerId, after?.ownerId]));
    for (const owner of owners) {
      if (owner === undefined) continue;
      byOwner.set(
        owner,
        refile(byOwner.get(owner) ?? SlotSet.empty, changes, (facts) => facts?.ownerId === owner),
      );
    }
    return byOwner;
  }

  #routes(changes: readonly Change[], bySlot: readonly (NodeFacts | undefined)[]): ReadonlyMap<Prefix, RouteFacts> {
    const routes = new Map<Prefix, RouteFacts>();
    for (const route of this.routes.values()) {
      const routers = refile(route.routers, changes, (facts) => facts?.subnetRoutes.includes(route.prefix) === true);
      if (routers.isEmpty) continue;
      const inside = refile(
        route.inside,
        changes,
        (facts) => facts?.ranges.some((range) => overlaps(range, route.range)) === true,
      );
      const same = routers === route.routers && inside === route.inside;
      routes.set(route.prefix, same ? route : { ...route, routers, inside });
    }
    const fresh = new Set(
      changes.flatMap(({ after }) => after?.subnetRoutes ?? []).filter((prefix) => !routes.has(prefix)),
    );
    if (fresh.size === 0) return routes;
    for (const prefix of fresh) routes.set(prefix, newRoute(prefix, bySlot));
    return new Map([...routes].sort(([a], [b]) => comparePrefixes(a, b)));
  }
}

interface Change {
  readonly slot: number;
  readonly before: NodeFacts | undefined;
  readonly after: NodeFacts | undefined;
}

function refile(set: SlotSet, changes: readonly Change[], belongs: (facts: NodeFacts | undefined) => boolean): SlotSet {
  if (changes.length > 64) {
    const inside = changes.filter(({ after }) => belongs(after)).map(({ slot }) => slot);
    return set.minus(SlotSet.of(changes.map(({ slot }) => slot))).union(SlotSet.of(inside));
  }
  let next = set;
  for (const { slot, after } of changes) next = belongs(after) ? next.with(slot) : next.without(slot);
  return next;
}

function newRoute(prefix: Prefix, bySlot: readonly (NodeFacts | undefined)[]): RouteFacts {
  const range = prefixRange(prefix);
  const slots = (belongs: (facts: NodeFacts) => boolean) =>
    SlotSet.of(
      bySlot
        .filter((facts) => facts !== undefined)
        .filter(belongs)
        .map(({ slot }) => slot),
    );
  return {
    prefix,
    range,
    routers: slots((facts) => facts.subnetRoutes.includes(prefix)),
    inside: slots((facts) => facts.ranges.some((own) => overlaps(own, range))),
  };
}

export function overlaps(a: AddrRange, b: AddrRange): boolean {
  return a.family === b.family && a.first <= b.last && b.first <= a.last;
}
