import type { Addr } from "@headscale/netip";
import type { CapMap, FilterRule, SSHPolicy } from "@headscale/tailcfg";
import type { NodeFacts } from "#resolve/node-facts.ts";
import type { Resolution } from "#resolve/resolution.ts";
import { SlotSet } from "#resolve/slot-set.ts";
import { type OwnedSshRule, SshCompiler, sshUserAllowed } from "#ssh/ssh-rules.ts";
import type { Policy } from "#syntax/policy-document.ts";
import type { CompiledPolicy, NodeRoutes, PacketFilters, PolicyNode, PolicySettings, SSHCheck } from "../engine.ts";
import { type Draft, mergeKey, mergePieces } from "./assemble.ts";
import { Attributes } from "./attributes.ts";
import { Chunker } from "./chunks.ts";
import { Delivery } from "./deliver.ts";
import { Permissions } from "./permissions.ts";
import type { PolicyPlan } from "./policy-plan.ts";
import { noRoutes, type RouteVariants, RouteViews } from "./route-views.ts";
import { SharedLists } from "./shared-lists.ts";
import { TextTable } from "./text-table.ts";
import { Visibility } from "./visibility.ts";

const nothing: PacketFilters = { base: [] };

/** What a compilation hands on to the next one. */
export interface Carried {
  /** Filters by slot; those of slots in `stale` only serve to recognise parts that stay the same. */
  readonly filters: readonly (PacketFilters | undefined)[];
  readonly stale: SlotSet;
  readonly lists: SharedLists;
  readonly variants: RouteVariants;
}

export const nothingCarried = (): Carried => ({
  filters: [],
  stale: SlotSet.empty,
  lists: new SharedLists(),
  variants: new Map(),
});

/** A plan resolved against one roster. */
export class Compilation implements CompiledPolicy {
  readonly plan: PolicyPlan;
  readonly settings: PolicySettings;
  readonly resolution: Resolution;
  readonly visibility: Visibility;
  readonly routes: RouteViews;
  readonly attributes: Attributes;
  readonly #delivery: Delivery;
  readonly #permissions: Permissions;
  readonly #ssh: SshCompiler | undefined;
  readonly #texts = new TextTable();
  readonly #chunker: Chunker;
  readonly #lists: SharedLists;
  readonly #variants: RouteVariants;
  readonly #filters: (PacketFilters | undefined)[];
  /** Filters of an earlier compilation, for parts that turn out to be the same. */
  readonly #oldFilters: readonly (PacketFilters | undefined)[];
  readonly #peers: (SlotSet | undefined)[] = [];
  readonly #sshPolicies = new WeakMap<readonly OwnedSshRule[], SSHPolicy>();
  #leaders: ReadonlyMap<string, number> | undefined;

  constructor(plan: PolicyPlan, settings: PolicySettings, resolution: Resolution, carried: Carried) {
    this.plan = plan;
    this.settings = settings;
    this.resolution = resolution;
    this.visibility = new Visibility(resolution, plan.edges);
    this.#lists = carried.lists;
    this.#variants = carried.variants;
    const peerSlots = (slot: number) => this.peerSlots(slot);
    this.routes = new RouteViews(resolution, this.visibility, peerSlots, plan.edges, this.#variants);
    this.attributes = new Attributes(resolution, plan.attributes, settings);
    this.#delivery = new Delivery(resolution, plan.delivery);
    this.#permissions = new Permissions(plan.index, plan.permissions, resolution.roster.directory);
    this.#ssh = plan.ssh === undefined ? undefined : new SshCompiler(resolution, plan.ssh, settings.serverUrl);
    this.#chunker = new Chunker((source) => plan.parts[source] ?? "base");
    this.#oldFilters = carried.filters;
    this.#filters = carried.filters.map((filters, slot) => (carried.stale.has(slot) ? undefined : filters));
  }

  get policy(): Policy | undefined {
    return this.plan.policy;
  }

  get definedTags(): ReadonlySet<string> {
    return this.plan.tags;
  }

  /** What the next compilation may use. A filter that nobody asked for anew stays the old one. */
  carry(stale: SlotSet): Carried {
    const length = Math.max(this.#filters.length, this.#oldFilters.length);
    const filters = Array.from({ length }, (_, slot) => this.#filters[slot] ?? this.#oldFilters[slot]);
    const outdated = SlotSet.of([...filters.keys()].filter((slot) => this.#filters[slot] === undefined));
    return { filters, stale: stale.union(outdated), lists: this.#lists, variants: this.#variants };
  }

  /** Peers that were asked for so far, by slot. */
  get knownPeers(): readonly (SlotSet | undefined)[] {
    return this.#peers;
  }

  /** Takes over peers that an earlier compilation knew and that a change left, or made, as they are here. */
  adoptPeers(peers: readonly (SlotSet | undefined)[]): void {
    const shared = new Map<SlotSet, SlotSet>();
    for (const [slot, set] of peers.entries()) {
      if (set === undefined) continue;
      const one = shared.get(set) ?? this.#lists.share(set);
      shared.set(set, one);
      this.#peers[slot] = one;
    }
  }

  filterRules(nodeId: number): readonly FilterRule[] {
    const facts = this.#facts(nodeId);
    if (facts === undefined) return [];
    const drafts = mergePieces(this.#delivery.pieces(facts), this.#texts);
    return drafts
      .map((draft) => ({ draft, place: this.#placeOf(draft) }))
      .sort((a, b) => a.place - b.place)
      .map(({ draft }) => draft.rule);
  }

  packetFilters(nodeId: number): PacketFilters {
    const facts = this.#facts(nodeId);
    if (facts === undefined) return nothing;
    const known = this.#filters[facts.slot];
    if (known !== undefined) return known;
    const drafts = mergePieces(this.#delivery.pieces(facts), this.#texts);
    const filters = this.#chunker.split(drafts, this.#oldFilters[facts.slot]);
    this.#filters[facts.slot] = filters;
    return filters;
  }

  /** The part of a node's filter that comes from some source lists. */
  rulesFrom(nodeId: number, sources: ReadonlySet<number>): readonly FilterRule[] {
    const facts = this.#facts(nodeId);
    const pieces = facts === undefined ? [] : this.#delivery.pieces(facts, sources);
    return mergePieces(pieces, this.#texts).map(({ rule }) => rule);
  }

  peersOf(nodeId: number): readonly number[] {
    const slot = this.resolution.roster.slotOf(nodeId);
    return slot === undefined ? [] : this.#lists.idsOf(this.peerSlots(slot), this.resolution.roster);
  }

  canSee(a: number, b: number): boolean {
    const from = this.resolution.roster.slotOf(a);
    const to = this.resolution.roster.slotOf(b);
    return from !== undefined && to !== undefined && this.peerSlots(from).has(to);
  }

  peerSlots(slot: number): SlotSet {
    const known = this.#peers[slot];
    if (known !== undefined) return known;
    const peers = this.#lists.share(this.visibility.peers(slot));
    this.#peers[slot] = peers;
    return peers;
  }

  routesFor(viewerId: number, peerId: number): NodeRoutes {
    const viewer = this.resolution.roster.slotOf(viewerId);
    const peer = this.#facts(peerId);
    return viewer === undefined || peer === undefined ? noRoutes : this.routes.routesFor(viewer, peer);
  }

  selfRoutes(nodeId: number): NodeRoutes {
    const facts = this.#facts(nodeId);
    return facts === undefined ? noRoutes : this.routes.selfRoutes(facts);
  }

  visibleAddresses(nodeId: number): readonly Addr[] {
    const facts = this.#facts(nodeId);
    if (facts === undefined) return [];
    const hidesIPv4 =
      this.plan.policy?.disableIPv4 === true || Object.hasOwn(this.attributes.self(facts), "disable-ipv4");
    return hidesIPv4 ? facts.addrs.filter((addr) => addr.includes(":")) : facts.addrs;
  }

  sshPolicy(nodeId: number): SSHPolicy | undefined {
    const rules = this.sshRules(nodeId);
    if (rules === undefined) return undefined;
    const known = this.#sshPolicies.get(rules);
    if (known !== undefined) return known;
    const policy = { rules: rules.map(({ wire }) => wire) };
    this.#sshPolicies.set(rules, policy);
    return policy;
  }

  /** The node's SSH rules together with where each comes from. */
  sshRules(nodeId: number): readonly OwnedSshRule[] | undefined {
    const facts = this.#facts(nodeId);
    return facts === undefined ? undefined : this.#ssh?.rulesFor(facts);
  }

  /** The rule at which the destination's client stops for a source address and login. */
  sshRuleFor(srcAddrs: readonly Addr[], dstId: number, login: string): OwnedSshRule | undefined {
    return this.sshRules(dstId)?.find(
      ({ wire }) =>
        sshUserAllowed(wire.sshUsers, login) &&
        wire.principals.some(({ nodeIP }) => nodeIP !== undefined && srcAddrs.includes(nodeIP as Addr)),
    );
  }

  sshCheck(srcId: number, dstId: number, login: string): SSHCheck | undefined {
    const source = this.#facts(srcId);
    const found = source === undefined ? undefined : this.sshRuleFor(source.addrs, dstId, login);
    return found?.planned.rule.action === "check" ? { periodMs: found.planned.rule.checkPeriodMs } : undefined;
  }

  selfCapabilities(nodeId: number): CapMap {
    const facts = this.#facts(nodeId);
    return facts === undefined ? {} : this.attributes.self(facts);
  }

  peerCapabilities(nodeId: number): CapMap {
    const facts = this.#facts(nodeId);
    return facts === undefined ? {} : this.attributes.peer(facts);
  }

  autoApprovedRoutes(node: PolicyNode) {
    return this.#permissions.approvedRoutes(node);
  }

  mayHostService(node: PolicyNode, service: string): boolean {
    return this.#permissions.mayHostService(node, service);
  }

  addressPools(node: PolicyNode) {
    return this.#permissions.addressPools(node);
  }

  mayAssignTag(who: { readonly userId: number } | { readonly tags: readonly string[] }, tag: string): boolean {
    return this.#permissions.mayAssignTag(who, tag);
  }

  #facts(nodeId: number): NodeFacts | undefined {
    return this.resolution.roster.facts(nodeId);
  }

  /** A merged rule stands where the first rule of its kind stands in the whole policy, delivered here or not. */
  #placeOf({ pieces, key }: Draft): number {
    const own = pieces[0]?.unit.ordinal ?? 0;
    return key === undefined ? own : Math.min(own, this.#firstPlaces().get(key) ?? own);
  }

  #firstPlaces(): ReadonlyMap<string, number> {
    this.#leaders ??= this.#findLeaders();
    return this.#leaders;
  }

  #findLeaders(): Map<string, number> {
    const leaders = new Map<string, number>();
    for (const unit of this.plan.units) {
      if (unit.kind !== "network" || unit.dest === undefined || unit.via) continue;
      const source = this.resolution.source(unit.source);
      if (source.isEmpty || !unit.targets.some(({ selector }) => this.#denotesAddresses(selector))) continue;
      const key = mergeKey({ unit, sources: source.texts }, this.#texts) ?? "";
      if (!leaders.has(key)) leaders.set(key, unit.ordinal);
    }
    return leaders;
  }

  #denotesAddresses(selector: number): boolean {
    const kind = this.plan.index.selectors[selector]?.kind;
    return kind !== "people" || !this.resolution.holders(selector).isEmpty;
  }
}
