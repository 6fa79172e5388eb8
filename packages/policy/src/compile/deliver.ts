import { type AddrRange, AddrSet, singlePrefix } from "@headscale/netip";
import type { CapGrant, NetPortRange } from "@headscale/tailcfg";
import type { NodeFacts } from "#resolve/node-facts.ts";
import type { Resolution } from "#resolve/resolution.ts";
import { overlaps } from "#resolve/roster.ts";
import { SlotSet } from "#resolve/slot-set.ts";
import { internet } from "#resolve/well-known.ts";
import type { Unit } from "./units.ts";

/** What one unit of the policy means for one receiving node. */
export interface Piece {
  readonly unit: Unit;
  readonly sources: readonly string[];
  readonly destinations: readonly NetPortRange[];
  readonly grants: readonly CapGrant[];
  /** Whether the receiver's own addresses are in it, so that no other node can share it. */
  readonly personal: boolean;
}

/** Units sorted by who can receive them; a matter of the policy alone. */
export interface DeliveryPlan {
  /** By receiver list. */
  readonly byDest: readonly (readonly Unit[])[];
  /** Rules to `autogroup:self`; those with the same sources and protocol are one already, as they would become in every filter. */
  readonly self: readonly Unit[];
}

export function planDelivery(destCount: number, units: readonly Unit[]): DeliveryPlan {
  const byDest: Unit[][] = Array.from({ length: destCount }, () => []);
  const self = new Map<string, Unit>();
  for (const unit of units) {
    if (unit.dest !== undefined) {
      byDest[unit.dest]?.push(unit);
      continue;
    }
    const key = unit.kind === "network" ? `${unit.source}|${unit.protocol ?? ""}` : `${unit.ordinal}`;
    const first = self.get(key);
    self.set(key, first === undefined ? unit : { ...first, targets: first.targets.concat(unit.targets) });
  }
  return { byDest, self: [...self.values()] };
}

/** Reduces the units of a policy to what one node receives. */
export class Delivery {
  readonly #resolution: Resolution;
  readonly #plan: DeliveryPlan;
  readonly #selfSources = new Map<string, AddrSet>();

  constructor(resolution: Resolution, plan: DeliveryPlan) {
    this.#resolution = resolution;
    this.#plan = plan;
  }

  /** What the node receives, in the order of the policy; from some source lists only, if so asked. */
  pieces(facts: NodeFacts, from?: ReadonlySet<number>): Piece[] {
    const pieces: Piece[] = [];
    const keep = (piece: Piece | undefined) => {
      if (piece !== undefined) pieces.push(piece);
    };
    this.#plan.byDest.forEach((units, dest) => {
      if (!this.#resolution.receivers(dest).has(facts.slot)) return;
      for (const unit of units) if (from?.has(unit.source) !== false) keep(this.#piece(unit, dest, facts));
    });
    for (const unit of this.#plan.self) if (from?.has(unit.source) !== false) keep(this.#selfPiece(unit, facts));
    return pieces.sort((a, b) => a.unit.ordinal - b.unit.ordinal);
  }

  #piece(unit: Unit, dest: number, facts: NodeFacts): Piece | undefined {
    const source = this.#resolution.source(unit.source);
    if (unit.kind === "network") return source.isEmpty ? undefined : this.#networkPiece(unit, facts, source.texts);
    const grants =
      unit.kind === "capability" ? this.#capabilityGrants(unit, facts) : this.#companionGrants(unit, dest, facts);
    if (grants.length === 0) return undefined;
    return { unit, sources: source.texts, destinations: [], grants, personal: true };
  }

  #networkPiece(unit: Unit, facts: NodeFacts, sources: readonly string[]): Piece | undefined {
    const destinations: NetPortRange[] = [];
    let personal = false;
    for (const { selector, ports } of unit.targets) {
      const found = this.#texts(selector, unit.via, facts);
      personal ||= found.personal;
      for (const IP of found.texts) for (const Ports of ports) destinations.push({ IP, Ports });
    }
    return destinations.length === 0 ? undefined : { unit, sources, destinations, grants: [], personal };
  }

  /** Texts that a destination selector leaves for the node. */
  #texts(selector: number, via: boolean, facts: NodeFacts): { texts: readonly string[]; personal: boolean } {
    const spec = this.#resolution.index.selectors[selector];
    switch (spec?.kind) {
      case "internet":
        return { texts: facts.exitRoutes.length > 0 ? spec.set.texts() : [], personal: false };
      case "literal":
        return { texts: this.#literalTexts(spec.set, via, facts), personal: false };
      case "any":
      case "danger":
        return { texts: via ? [] : ["*"], personal: false };
      case "service": {
        const hosted = !via && this.#resolution.holders(selector).has(facts.slot);
        return { texts: hosted ? (this.#resolution.roster.services.get(spec.name) ?? []) : [], personal: false };
      }
      default: {
        const own = !via && this.#resolution.holders(selector).has(facts.slot);
        return { texts: own ? facts.addrs : [], personal: own };
      }
    }
  }

  /** The literal as written, if it holds an address of the node, meets a route of its, or leads out through it. */
  #literalTexts(set: AddrSet, via: boolean, facts: NodeFacts): string[] {
    const throughExit = !via && facts.exitRoutes.length > 0;
    return set.texts().filter((_, position) => {
      const range = set.ranges[position] as AddrRange;
      if (this.#meetsRoute(range, facts)) return true;
      if (!via && facts.ranges.some((own) => overlaps(own, range))) return true;
      return throughExit && internet.covers(AddrSet.ofRanges([range]));
    });
  }

  #meetsRoute(range: AddrRange, facts: NodeFacts): boolean {
    return facts.subnetRoutes.some((route) => {
      const known = this.#resolution.roster.routes.get(route);
      return known !== undefined && overlaps(known.range, range);
    });
  }

  /** Per destination the node's own addresses in it, and literals that meet its routes. */
  #capabilityGrants(unit: Unit, facts: NodeFacts): CapGrant[] {
    const grants: CapGrant[] = [];
    for (const { selector } of unit.targets) {
      const spec = this.#resolution.index.selectors[selector];
      const literal = spec?.kind === "literal" ? spec.set : undefined;
      const held = this.#resolution.holders(selector).has(facts.slot);
      const own = facts.addrs.filter((addr) => held && (literal === undefined || literal.contains(addr)));
      const routed = (literal?.ranges ?? []).filter((range) => this.#meetsRoute(range, facts));
      const Dsts = [...new Set([...own.map(singlePrefix), ...AddrSet.ofRanges(routed).prefixes()])];
      if (Dsts.length > 0) grants.push({ Dsts, CapMap: unit.capabilities });
    }
    return grants;
  }

  /** The node's own addresses among the sources of the capability that this is the companion of. */
  #companionGrants(unit: Unit, dest: number, facts: NodeFacts): CapGrant[] {
    const spec = this.#resolution.index.dests[dest];
    if (spec?.kind !== "sources") return [];
    const source = this.#resolution.source(spec.source);
    const whole = source.isAny || source.isDanger || source.named.has(facts.slot);
    const own = whole ? facts.addrs : facts.addrs.filter((addr) => source.listed.contains(addr));
    return own.length === 0 ? [] : [{ Dsts: own.map(singlePrefix), CapMap: unit.capabilities }];
  }

  /** `autogroup:self`: between the untagged devices of the node's owner. */
  #selfPiece(unit: Unit, facts: NodeFacts): Piece | undefined {
    if (facts.ownerId === undefined) return undefined;
    const devices = this.#resolution.roster.byOwner.get(facts.ownerId) ?? SlotSet.empty;
    const among = this.#resolution.source(unit.source).nodes;
    const sources = this.#selfAddresses(facts.ownerId, unit.source, devices, among);
    if (sources.isEmpty) return undefined;
    if (unit.kind === "network") {
      const ports = unit.targets.flatMap((target) => target.ports);
      const destinations = facts.addrs.flatMap((IP) => ports.map((Ports) => ({ IP, Ports })));
      return { unit, sources: sources.texts(), destinations, grants: [], personal: true };
    }
    const grants = [{ Dsts: facts.addrs.map(singlePrefix), CapMap: unit.capabilities }];
    if (unit.kind === "capability") return { unit, sources: sources.texts(), destinations: [], grants, personal: true };
    if (!among.has(facts.slot)) return undefined;
    return {
      unit,
      sources: this.#resolution.roster.addressesOf(devices).texts(),
      destinations: [],
      grants,
      personal: true,
    };
  }

  #selfAddresses(owner: number, source: number, devices: SlotSet, among: SlotSet): AddrSet {
    const key = `${owner}/${source}`;
    const known = this.#selfSources.get(key) ?? this.#resolution.roster.addressesOf(devices.intersect(among));
    this.#selfSources.set(key, known);
    return known;
  }
}
