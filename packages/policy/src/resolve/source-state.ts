import { AddrSet, type Prefix } from "@headscale/netip";
import type { SourceSpec } from "./policy-index.ts";
import type { Resolution } from "./resolution.ts";
import { SlotSet } from "./slot-set.ts";
import { tailnetRanges } from "./well-known.ts";

/** What a source list denotes at one moment; everything is worked out on first use. */
export class SourceState {
  readonly spec: SourceSpec;
  /** A bare `*`: the tailnet's ranges and routes. With postures it stands for the nodes that satisfy them. */
  readonly isAny: boolean;
  readonly isDanger: boolean;
  #resolution: Resolution;
  #named: SlotSet | undefined;
  #nodes: SlotSet | undefined;
  #meets: SlotSet | undefined;
  #listed: AddrSet | undefined;
  #texts: readonly string[] | undefined;

  constructor(resolution: Resolution, spec: SourceSpec) {
    this.#resolution = resolution;
    this.spec = spec;
    const kinds = spec.selectors.map((id) => resolution.index.selectors[id]?.kind);
    this.isAny = kinds.includes("any") && spec.postures.length === 0;
    this.isDanger = kinds.includes("danger") && spec.postures.length === 0;
  }

  /** Answers from a later moment from now on. Only for lists to which nothing happened; lets the earlier one be forgotten. */
  rebind(resolution: Resolution): void {
    this.#resolution = resolution;
  }

  /** Nodes whose addresses the list spells out: those named by owner or tag, after postures. */
  get named(): SlotSet {
    this.#named ??= this.#findNamed();
    return this.#named;
  }

  /** Nodes with an own address in the list. */
  get nodes(): SlotSet {
    this.#nodes ??= this.#coversAllNodes()
      ? this.#resolution.roster.all
      : SlotSet.unionOf([this.named, ...this.literals.map((id) => this.#resolution.holders(id))]);
    return this.#nodes;
  }

  /** Nodes with an own address or an approved subnet route that the list covers or touches. */
  get meets(): SlotSet {
    this.#meets ??= this.#coversAllNodes()
      ? this.#resolution.roster.all
      : SlotSet.unionOf([
          this.nodes,
          this.#resolution.routersAround(this.named),
          ...this.literals.map((id) => this.#resolution.routers(id)),
        ]);
    return this.#meets;
  }

  /** Every address that the list covers. */
  get addresses(): AddrSet {
    if (this.isDanger) return AddrSet.all;
    if (!this.isAny) return this.listed;
    return AddrSet.unionOf([this.listed, tailnetRanges, AddrSet.ofPrefixes(this.#routes())]);
  }

  get isEmpty(): boolean {
    return !this.#coversAllNodes() && this.listed.isEmpty;
  }

  /**
   * `SrcIPs` as they go to clients. `*` is the tailnet's ranges and each approved subnet route in its own form,
   * and lists next to it what else was written, as the service does.
   */
  get texts(): readonly string[] {
    this.#texts ??= this.#makeTexts();
    return this.#texts;
  }

  /** Addresses of everything in the list but a bare `*`. */
  get listed(): AddrSet {
    this.#listed ??= this.#listAddresses();
    return this.#listed;
  }

  /** Literal selectors of the list. */
  get literals(): readonly number[] {
    return this.spec.selectors.filter((id) => this.#resolution.index.selectors[id]?.kind === "literal");
  }

  #coversAllNodes(): boolean {
    return this.isAny || this.isDanger;
  }

  #routes(): Prefix[] {
    return [...this.#resolution.roster.routes.keys()];
  }

  #makeTexts(): readonly string[] {
    if (this.isDanger) return ["*"];
    if (!this.isAny) return this.listed.texts();
    return [...new Set([...tailnetRanges.texts(), ...this.#routes(), ...this.listed.texts()])];
  }

  #findNamed(): SlotSet {
    const { selectors, postures } = this.spec;
    const named = selectors.filter((id) => {
      const kind = this.#resolution.index.selectors[id]?.kind;
      return kind === "people" || (!this.#coversAllNodes() && (kind === "any" || kind === "danger"));
    });
    const nodes = SlotSet.unionOf(named.map((id) => this.#resolution.holders(id)));
    return postures.length === 0 ? nodes : nodes.intersect(this.#resolution.compliant(postures));
  }

  #listAddresses(): AddrSet {
    const { index, roster } = this.#resolution;
    const fixed = this.spec.selectors.flatMap((id) => {
      const spec = index.selectors[id];
      if (spec?.kind === "literal") return [spec.set];
      return spec?.kind === "service" ? [AddrSet.ofAddrs(roster.services.get(spec.name) ?? [])] : [];
    });
    return AddrSet.unionOf([roster.addressesOf(this.named), ...fixed]);
  }
}
