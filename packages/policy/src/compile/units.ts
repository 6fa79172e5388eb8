import type { CapMap, PortRange } from "@headscale/tailcfg";
import type { PolicyIndex } from "#resolve/policy-index.ts";
import type { Span } from "#syntax/policy-document.ts";
import type { Selector } from "#syntax/selector.ts";
import { isSelf, type PlannedGrant, type PlannedTarget } from "./rule-plan.ts";

/** Destinations of a unit: `self` = devices of the receiver's owner. */
export interface UnitTarget {
  readonly selector: number;
  readonly ports: readonly PortRange[];
}

/** The smallest piece of a policy that can become one rule of a filter. `ordinal` is its place in the policy. */
export interface Unit {
  readonly ordinal: number;
  readonly kind: "network" | "capability" | "companion";
  readonly span: Span | undefined;
  readonly section: "acls" | "grants";
  readonly source: number;
  /** `undefined`: `autogroup:self`. */
  readonly dest: number | undefined;
  readonly via: boolean;
  readonly targets: readonly UnitTarget[];
  readonly protocol: number | undefined;
  readonly capabilities: CapMap;
}

/** What the *source* of a capability must be told about its destinations, by capability. Source: tailscale tailcfg/peercap@de9ec7ee. */
const companions: readonly (readonly [granted: string, companion: string])[] = [
  ["tailscale.com/cap/drive", "tailscale.com/cap/drive-sharer"],
  ["tailscale.com/cap/relay", "tailscale.com/cap/relay-target"],
];

export function makeUnits(index: PolicyIndex, grants: Iterable<PlannedGrant>): Unit[] {
  const units: Unit[] = [];
  for (const grant of grants) {
    const builder = new UnitBuilder(index, grant, units);
    builder.addOthers();
    builder.addSelf();
  }
  return units;
}

class UnitBuilder {
  readonly #index: PolicyIndex;
  readonly #grant: PlannedGrant;
  readonly #units: Unit[];
  readonly #source: number;

  constructor(index: PolicyIndex, grant: PlannedGrant, units: Unit[]) {
    this.#index = index;
    this.#grant = grant;
    this.#units = units;
    this.#source = index.source(grant.src, grant.postures);
  }

  addOthers(): void {
    const { network, dst, app, via } = this.#grant;
    for (const { protocol, targets } of network) {
      const others = targets.filter(({ selector }) => !isSelf(selector));
      if (others.length > 0)
        this.#push({ kind: "network", protocol, targets: this.#targets(others), dest: this.#networkDest(others) });
    }
    const others = dst.filter((selector) => !isSelf(selector));
    if (app.size === 0 || others.length === 0 || via.length > 0) return;
    const selectors = others.map((selector) => this.#index.selector(selector));
    this.#push({
      kind: "capability",
      targets: selectors.map((selector) => ({ selector, ports: [] })),
      dest: this.#index.dest({ kind: "selectors", selectors: unique(selectors), capability: true }),
      capabilities: Object.fromEntries(app),
    });
    for (const companion of this.#companions()) {
      this.#push({
        kind: "companion",
        source: this.#index.source(others, []),
        dest: this.#index.dest({ kind: "sources", source: this.#source }),
        capabilities: { [companion]: null },
      });
    }
  }

  addSelf(): void {
    const { network, dst, app, via } = this.#grant;
    if (via.length > 0 || !dst.some(isSelf)) return;
    for (const { protocol, targets } of network) {
      const own = targets.filter(({ selector }) => isSelf(selector));
      if (own.length > 0) this.#push({ kind: "network", protocol, targets: this.#targets(own), dest: undefined });
    }
    if (app.size === 0) return;
    this.#push({ kind: "capability", dest: undefined, capabilities: Object.fromEntries(app) });
    for (const companion of this.#companions()) {
      this.#push({ kind: "companion", dest: undefined, capabilities: { [companion]: null } });
    }
  }

  #companions(): string[] {
    return companions.filter(([granted]) => this.#grant.app.has(granted)).map(([, companion]) => companion);
  }

  #networkDest(targets: readonly PlannedTarget[]): number {
    const selectors = unique(targets.map(({ selector }) => this.#index.selector(selector)));
    if (this.#grant.via.length === 0) return this.#index.dest({ kind: "selectors", selectors, capability: false });
    const tags = unique(this.#grant.via.map((tag: Selector) => this.#index.selector(tag)));
    return this.#index.dest({ kind: "via", tags, selectors });
  }

  #targets(targets: readonly PlannedTarget[]): UnitTarget[] {
    return targets.map(({ selector, ports }) => ({
      selector: isSelf(selector) ? -1 : this.#index.selector(selector),
      ports,
    }));
  }

  #push(part: Pick<Unit, "kind" | "dest"> & Partial<Unit>): void {
    const { span, section, via } = this.#grant;
    const defaults = {
      span,
      section,
      source: this.#source,
      via: via.length > 0,
      targets: [],
      protocol: undefined,
      capabilities: {},
    };
    this.#units.push({ ...defaults, ...part, ordinal: this.#units.length });
  }
}

function unique(ids: readonly number[]): number[] {
  return [...new Set(ids)].sort((a, b) => a - b);
}
