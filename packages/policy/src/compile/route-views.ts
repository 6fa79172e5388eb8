import { type Prefix, prefixContains } from "@headscale/netip";
import type { NodeFacts } from "#resolve/node-facts.ts";
import type { Resolution } from "#resolve/resolution.ts";
import type { RouteFacts } from "#resolve/roster.ts";
import { SlotSet } from "#resolve/slot-set.ts";
import { internetV4, internetV6 } from "#resolve/well-known.ts";
import type { NodeRoutes } from "../engine.ts";
import type { Edges } from "./edges.ts";
import type { Visibility } from "./visibility.ts";

export const noRoutes: NodeRoutes = { allowed: [], primary: [] };

/** One object for equal routes, whatever viewer asks and however often the policy is compiled anew. */
export type RouteVariants = Map<string, NodeRoutes>;

/** Which routes of which router each viewer gets. Only routers cost anything. */
export class RouteViews {
  readonly #resolution: Resolution;
  readonly #visibility: Visibility;
  readonly #peers: (slot: number) => SlotSet;
  readonly #edges: Edges;
  readonly #variants: RouteVariants;
  readonly #winners = new Map<Prefix, ReadonlyMap<number, SlotSet>>();
  readonly #exitViewers = new Map<number, SlotSet>();
  #openingSelectors: readonly number[] | undefined;

  constructor(
    resolution: Resolution,
    visibility: Visibility,
    peers: (slot: number) => SlotSet,
    edges: Edges,
    variants: RouteVariants,
  ) {
    this.#resolution = resolution;
    this.#visibility = visibility;
    this.#peers = peers;
    this.#edges = edges;
    this.#variants = variants;
  }

  routesFor(viewer: number, peer: NodeFacts): NodeRoutes {
    if (peer.subnetRoutes.length === 0 && peer.exitRoutes.length === 0) return noRoutes;
    const subnets = peer.subnetRoutes.filter((route) => this.winners(route).get(peer.slot)?.has(viewer) === true);
    const exits = peer.exitRoutes.length > 0 && this.exitViewers(peer.slot).has(viewer) ? peer.exitRoutes : [];
    return this.#variant(subnets, exits);
  }

  selfRoutes(facts: NodeFacts): NodeRoutes {
    if (facts.subnetRoutes.length === 0 && facts.exitRoutes.length === 0) return noRoutes;
    const primary = facts.subnetRoutes.filter((route) => this.#ranked(route)[0]?.slot === facts.slot);
    return { allowed: [...facts.subnetRoutes, ...facts.exitRoutes], primary };
  }

  #variant(subnets: readonly Prefix[], exits: readonly Prefix[]): NodeRoutes {
    if (subnets.length === 0 && exits.length === 0) return noRoutes;
    const key = `${subnets.join(",")};${exits.join(",")}`;
    const variant = this.#variants.get(key) ?? { allowed: [...subnets, ...exits], primary: subnets };
    this.#variants.set(key, variant);
    return variant;
  }

  /** Router → viewers that get the prefix from it. A viewer gets it from the first router, in rank, that may give it. */
  winners(prefix: Prefix): ReadonlyMap<number, SlotSet> {
    const known = this.#winners.get(prefix);
    if (known !== undefined) return known;
    const route = this.#resolution.roster.routes.get(prefix);
    const winners = route === undefined ? new Map<number, SlotSet>() : this.#elect(route);
    this.#winners.set(prefix, winners);
    return winners;
  }

  #elect(route: RouteFacts): Map<number, SlotSet> {
    const winners = new Map<number, SlotSet>();
    const ranked = this.#ranked(route.prefix);
    const touching = this.#touching(route);
    const everywhere = route.routers.union(this.#returning(route, touching));
    // The primary itself gets the route from nobody.
    let served = SlotSet.of(ranked.slice(0, 1).map(({ slot }) => slot));
    for (const { slot } of ranked) {
      const allowed = this.#admitted(slot, route, touching).union(everywhere).intersect(this.#peers(slot));
      const won = allowed.without(slot).minus(served);
      winners.set(slot, won);
      served = served.union(won);
    }
    return winners;
  }

  /** Viewers that a rule delivered to the router admits to a destination overlapping the route. */
  #admitted(router: number, route: RouteFacts, touching: ReadonlySet<number>): SlotSet {
    const dests = this.#destsThrough(touching, router);
    const own = route.inside.has(router);
    if (own) for (const dest of this.#edges.sourcesOf.keys()) if (this.#namesOwn(dest, router, route)) dests.add(dest);
    const receiving = [...dests].filter((dest) => this.#resolution.receivers(dest).has(router));
    const admitted = receiving.map((dest) => this.#visibility.back(dest));
    return SlotSet.unionOf([...admitted, ...(own ? this.#selfAdmitted(router) : [])]);
  }

  /** Receiver lists with `*`, or with one of the selectors if it leaves the node something. */
  #destsThrough(selectors: Iterable<number>, slot: number): Set<number> {
    const delivered = [...selectors].filter((selector) => this.#resolution.receiving(selector, false).has(slot));
    return new Set([
      ...this.#edges.openDests,
      ...delivered.flatMap((selector) => this.#resolution.index.usage.dests[selector] ?? []),
    ]);
  }

  /** Whether the receiver list leaves the router an own address inside the route as a destination. */
  #namesOwn(dest: number, router: number, route: RouteFacts): boolean {
    const spec = this.#resolution.index.dests[dest];
    if (spec === undefined || spec.kind === "via") return false;
    if (spec.kind === "sources") return this.#isSource(spec.source, router, route);
    return spec.selectors.some((id) => {
      const kind = this.#resolution.index.selectors[id]?.kind;
      return kind !== "literal" && kind !== "internet" && this.#resolution.holders(id).has(router);
    });
  }

  #isSource(source: number, router: number, route: RouteFacts): boolean {
    const state = this.#resolution.source(source);
    if (state.isAny || state.isDanger || state.named.has(router)) return true;
    const addrs = this.#resolution.roster.bySlot[router]?.addrs ?? [];
    return addrs.some((addr) => state.listed.contains(addr) && prefixContains(route.prefix, addr));
  }

  #selfAdmitted(router: number): SlotSet[] {
    const owner = this.#resolution.roster.bySlot[router]?.ownerId;
    const relations = owner === undefined ? [] : this.#visibility.relationsOf(owner);
    return relations.filter(({ receivers }) => receivers.has(router)).map(({ meets }) => meets);
  }

  /** Literal and internet selectors that overlap the route. */
  #touching(route: RouteFacts): Set<number> {
    const { index } = this.#resolution;
    const touching = index.addresses.overlapping(route.range);
    for (const selector of index.internets) {
      const spec = index.selectors[selector];
      if (spec?.kind === "internet" && spec.set.overlapsRange(route.range)) touching.add(selector);
    }
    return touching;
  }

  /** Viewers that receive a rule with a source overlapping the route, whose answers go back through the router. */
  #returning(route: RouteFacts, touching: ReadonlySet<number>): SlotSet {
    const literal = [...touching].flatMap((selector) => this.#resolution.index.usage.sources[selector] ?? []);
    const sources = new Set([...this.#edges.openSources, ...literal]);
    if (!route.inside.isEmpty) {
      for (const id of this.#edges.destsOf.keys())
        if (this.#resolution.source(id).named.meets(route.inside)) sources.add(id);
    }
    const reached = [...sources].map((source) => this.#visibility.reach(source));
    return SlotSet.unionOf([...reached, ...this.#selfReturning(route)]);
  }

  #selfReturning(route: RouteFacts): SlotSet[] {
    return route.inside.toArray().flatMap((slot) => {
      const owner = this.#resolution.roster.bySlot[slot]?.ownerId;
      const relations = owner === undefined ? [] : this.#visibility.relationsOf(owner);
      return relations.filter(({ sources }) => sources.has(slot)).map(({ receivers }) => receivers);
    });
  }

  /** Viewers that may use the node as exit node: a rule delivered to it opens the internet to them. */
  exitViewers(slot: number): SlotSet {
    const known = this.#exitViewers.get(slot);
    if (known !== undefined) return known;
    const dests = this.#destsThrough(this.#opening(), slot);
    const receiving = [...dests].filter(
      (dest) => this.#opensInternet(dest) && this.#resolution.receivers(dest).has(slot),
    );
    const viewers = SlotSet.unionOf(receiving.map((dest) => this.#visibility.back(dest))).intersect(this.#peers(slot));
    this.#exitViewers.set(slot, viewers);
    return viewers;
  }

  /** Selectors that cover the internet of at least one family. */
  #opening(): readonly number[] {
    this.#openingSelectors ??= [...this.#resolution.index.selectors.entries()].flatMap(([id, spec]) => {
      const set = spec.kind === "internet" || spec.kind === "literal" ? spec.set : undefined;
      return set !== undefined && (set.covers(internetV4) || set.covers(internetV6)) ? [id] : [];
    });
    return this.#openingSelectors;
  }

  #opensInternet(dest: number): boolean {
    const spec = this.#resolution.index.dests[dest];
    return spec !== undefined && !(spec.kind === "selectors" && spec.capability);
  }

  #ranked(prefix: Prefix): NodeFacts[] {
    const routers = this.#resolution.roster.routes.get(prefix)?.routers ?? SlotSet.empty;
    const facts = routers
      .toArray()
      .map((slot) => this.#resolution.roster.bySlot[slot])
      .filter((router) => router !== undefined);
    return facts.sort((a, b) => standing(a, prefix) - standing(b, prefix) || a.node.id - b.node.id);
  }
}

/** The elected primary first, routers that cannot be reached last. */
function standing({ node }: NodeFacts, prefix: Prefix): number {
  if (node.primaryFor?.includes(prefix) === true) return 0;
  return node.unreachable === true ? 2 : 1;
}
