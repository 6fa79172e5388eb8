import type { SSHPolicy } from "@headscale/tailcfg";
import { SlotSet } from "#resolve/slot-set.ts";
import type { Affected, NodeRoutes, PacketFilters, PeerChange } from "../engine.ts";

import type { Compilation } from "./compilation.ts";
import { sameBag, sameTexts } from "./rule-bag.ts";
import type { Scope } from "./scope.ts";

/** Looks at everything in scope and tells what really differs. Hands known peers on to `after` on the way. */
export function affectedBy(before: Compilation, after: Compilation, scope: Scope): Affected {
  const difference = new Difference(before, after, scope);
  const peers = difference.peers();
  return {
    peers,
    filters: difference.filters(),
    routes: difference.routes(),
    records: difference.nodes((id) => difference.recordDiffers(id)),
    selfRoutes: difference.selfRoutes(),
    selfCapabilities: difference.nodes((id) => !sameJson(before.selfCapabilities(id), after.selfCapabilities(id))),
    ssh: difference.ssh(),
  };
}

class Difference {
  readonly #before: Compilation;
  readonly #after: Compilation;
  readonly #scope: Scope;
  /** Nodes that were there before and still are: only they have something to lose or gain. */
  readonly #stayed: SlotSet;

  constructor(before: Compilation, after: Compilation, scope: Scope) {
    this.#before = before;
    this.#after = after;
    this.#scope = scope;
    this.#stayed = before.resolution.roster.all.intersect(after.resolution.roster.all);
  }

  filters(): number[] {
    const maybe = this.#scope.maybeFilters.intersect(this.#stayed).toArray();
    const changed = maybe.filter((slot) => {
      const id = this.#idOf(slot);
      return !sameFilters(this.#before.packetFilters(id), this.#after.packetFilters(id));
    });
    return this.#idsOf(
      SlotSet.unionOf([this.#scope.filters.intersect(this.#stayed), SlotSet.of(changed), this.#unswapped()]),
    );
  }

  /** Those for whom the lists in question did not just change places. */
  #unswapped(): SlotSet {
    const { nodes, sources } = this.#scope.swapped;
    const differs = (id: number) => !sameBag(this.#before.rulesFrom(id, sources), this.#after.rulesFrom(id, sources));
    return SlotSet.of(
      nodes
        .intersect(this.#stayed)
        .toArray()
        .filter((slot) => differs(this.#idOf(slot))),
    );
  }

  peers(): ReadonlyMap<number, PeerChange> {
    const changes = new PeerChanges();
    for (const slot of this.#scope.viewers) {
      const old = this.#before.resolution.roster.all.has(slot) ? this.#before.peerSlots(slot) : SlotSet.empty;
      const now = this.#after.resolution.roster.all.has(slot) ? this.#after.peerSlots(slot) : SlotSet.empty;
      if (old.equals(now)) continue;
      changes.note(slot, now.minus(old), old.minus(now), this.#scope.viewers);
    }
    this.#after.adoptPeers(changes.applyTo(this.#before.knownPeers, this.#scope.viewers));
    return changes.toMap(
      this.#stayed,
      (slots) => this.#idsOf(slots),
      (slot) => this.#idOf(slot),
    );
  }

  routes(): ReadonlyMap<number, readonly number[]> {
    const changed = new Map<number, Set<number>>();
    const note = (viewer: number, router: number) => {
      if (!this.#sawAndSees(viewer, router)) return;
      const routers = changed.get(viewer);
      if (routers === undefined) changed.set(viewer, new Set([router]));
      else routers.add(router);
    };
    for (const [router, viewers] of this.#routeMoves())
      for (const viewer of viewers.intersect(this.#stayed)) note(viewer, router);
    for (const viewer of this.#scope.viewers.intersect(this.#stayed)) {
      for (const router of this.#routers()) if (this.#viewDiffers(viewer, router)) note(viewer, router);
    }
    return new Map([...changed].map(([viewer, routers]) => [this.#idOf(viewer), this.#idsOf(SlotSet.of(routers))]));
  }

  /** Router → viewers for whom one of its prefixes in scope came or went. */
  *#routeMoves(): Generator<[router: number, viewers: SlotSet]> {
    for (const prefix of this.#scope.prefixes) {
      const old = this.#before.routes.winners(prefix);
      const now = this.#after.routes.winners(prefix);
      for (const router of new Set([...old.keys(), ...now.keys()])) {
        yield [router, exclusive(old.get(router) ?? SlotSet.empty, now.get(router) ?? SlotSet.empty)];
      }
    }
    for (const slot of this.#scope.exitNodes) {
      const viewers = (side: Compilation) =>
        side.resolution.roster.exitNodes.has(slot) ? side.routes.exitViewers(slot) : SlotSet.empty;
      const [old, now] = [viewers(this.#before), viewers(this.#after)];
      const routes = (side: Compilation) => side.resolution.roster.bySlot[slot]?.exitRoutes ?? [];
      const same = sameTexts(routes(this.#before), routes(this.#after));
      yield [slot, same ? exclusive(old, now) : old.union(now)];
    }
  }

  #routers(): SlotSet {
    const { routes, exitNodes } = this.#after.resolution.roster;
    return SlotSet.unionOf([exitNodes, ...[...routes.values()].map(({ routers }) => routers)]);
  }

  #viewDiffers(viewer: number, router: number): boolean {
    const id = this.#idOf(viewer);
    return this.#before.routesFor(id, this.#idOf(router)) !== this.#after.routesFor(id, this.#idOf(router));
  }

  #sawAndSees(viewer: number, peer: number): boolean {
    if (viewer === peer || !this.#stayed.has(peer)) return false;
    return this.#before.peerSlots(viewer).has(peer) && this.#after.peerSlots(viewer).has(peer);
  }

  selfRoutes(): number[] {
    const routers = [...this.#scope.prefixes].flatMap((prefix) => [
      ...this.#before.routes.winners(prefix).keys(),
      ...this.#after.routes.winners(prefix).keys(),
    ]);
    const slots = SlotSet.of(routers).union(this.#scope.nodes).intersect(this.#stayed);
    const changed = slots.toArray().filter((slot) => {
      const id = this.#idOf(slot);
      return !sameRoutes(this.#before.selfRoutes(id), this.#after.selfRoutes(id));
    });
    return this.#idsOf(SlotSet.of(changed));
  }

  nodes(differs: (id: number) => boolean): number[] {
    return this.#idsOf(this.#scope.nodes.intersect(this.#stayed)).filter(differs);
  }

  recordDiffers(id: number): boolean {
    const addresses = sameTexts(this.#before.visibleAddresses(id), this.#after.visibleAddresses(id));
    return !addresses || !sameJson(this.#before.peerCapabilities(id), this.#after.peerCapabilities(id));
  }

  ssh(): number[] {
    const verdicts = new Map<SSHPolicy | undefined, Map<SSHPolicy | undefined, boolean>>();
    return this.#idsOf(this.#scope.ssh.intersect(this.#stayed)).filter((id) => {
      const [old, now] = [this.#before.sshPolicy(id), this.#after.sshPolicy(id)];
      const known = verdicts.get(old) ?? new Map<SSHPolicy | undefined, boolean>();
      verdicts.set(old, known);
      const differs = known.get(now) ?? !sameJson(old, now);
      known.set(now, differs);
      return differs;
    });
  }

  #idOf(slot: number): number {
    return (this.#after.resolution.roster.bySlot[slot] ?? this.#before.resolution.roster.bySlot[slot])?.node.id ?? -1;
  }

  #idsOf(slots: SlotSet): number[] {
    return slots
      .toArray()
      .map((slot) => this.#idOf(slot))
      .sort((a, b) => a - b);
  }
}

/** Per viewer, who came and who went; equal changes become one object. */
class PeerChanges {
  readonly #added = new Map<number, SlotSet>();
  readonly #removed = new Map<number, SlotSet>();
  readonly #singles = new Map<number, SlotSet>();

  /** Notes a viewer's change, and its mirror image at those viewers that are not looked at themselves. */
  note(viewer: number, added: SlotSet, removed: SlotSet, viewers: SlotSet): void {
    this.#added.set(viewer, added);
    this.#removed.set(viewer, removed);
    for (const other of added.minus(viewers)) this.#mirror(this.#added, other, viewer);
    for (const other of removed.minus(viewers)) this.#mirror(this.#removed, other, viewer);
  }

  #mirror(side: Map<number, SlotSet>, viewer: number, peer: number): void {
    const known = side.get(viewer);
    side.set(viewer, known === undefined ? this.#only(peer) : known.with(peer));
  }

  /** The set of one peer, once for all viewers. */
  #only(peer: number): SlotSet {
    const known = this.#singles.get(peer) ?? SlotSet.of([peer]);
    this.#singles.set(peer, known);
    return known;
  }

  /** Known peers of viewers outside `viewers`, with the change made; equal sets with equal changes stay one set. */
  applyTo(known: readonly (SlotSet | undefined)[], viewers: SlotSet): (SlotSet | undefined)[] {
    const made = new Map<SlotSet, { added: SlotSet; removed: SlotSet; result: SlotSet }[]>();
    return known.map((peers, viewer) => {
      if (peers === undefined || viewers.has(viewer)) return undefined;
      if (!this.#added.has(viewer) && !this.#removed.has(viewer)) return peers;
      const added = this.#added.get(viewer) ?? SlotSet.empty;
      const removed = this.#removed.get(viewer) ?? SlotSet.empty;
      const results = made.get(peers) ?? [];
      made.set(peers, results);
      const twin =
        results.find((entry) => entry.added === added && entry.removed === removed) ??
        results.find((entry) => entry.added.equals(added) && entry.removed.equals(removed));
      if (twin !== undefined) return twin.result;
      const result = peers.union(added).minus(removed);
      results.push({ added, removed, result });
      return result;
    });
  }

  toMap(
    stayed: SlotSet,
    idsOf: (slots: SlotSet) => number[],
    idOf: (slot: number) => number,
  ): ReadonlyMap<number, PeerChange> {
    const sharing = new SharedChanges(idsOf);
    const changes = new Map<number, PeerChange>();
    for (const viewer of new Set([...this.#added.keys(), ...this.#removed.keys()])) {
      if (!stayed.has(viewer)) continue;
      const added = (this.#added.get(viewer) ?? SlotSet.empty).without(viewer);
      const removed = (this.#removed.get(viewer) ?? SlotSet.empty).without(viewer);
      const change = sharing.of(added, removed);
      if (change.added.length + change.removed.length > 0) changes.set(idOf(viewer), change);
    }
    return changes;
  }
}

/** One object for equal changes. Thousands of viewers often have the very same sets, so identity is asked first. */
class SharedChanges {
  readonly #idsOf: (slots: SlotSet) => number[];
  readonly #bySets = new Map<SlotSet, Map<SlotSet, PeerChange>>();
  readonly #byText = new Map<string, PeerChange>();

  constructor(idsOf: (slots: SlotSet) => number[]) {
    this.#idsOf = idsOf;
  }

  of(added: SlotSet, removed: SlotSet): PeerChange {
    const bySet = this.#bySets.get(added) ?? new Map<SlotSet, PeerChange>();
    this.#bySets.set(added, bySet);
    const known = bySet.get(removed) ?? this.#make(added, removed);
    bySet.set(removed, known);
    return known;
  }

  #make(added: SlotSet, removed: SlotSet): PeerChange {
    const change = { added: this.#idsOf(added), removed: this.#idsOf(removed) };
    const key = `${change.added.join(",")}-${change.removed.join(",")}`;
    const shared = this.#byText.get(key) ?? change;
    this.#byText.set(key, shared);
    return shared;
  }
}

function exclusive(a: SlotSet, b: SlotSet): SlotSet {
  return a.minus(b).union(b.minus(a));
}

function sameFilters(a: PacketFilters, b: PacketFilters): boolean {
  return a === b || sameBag(Object.values(a).flat(), Object.values(b).flat());
}

function sameRoutes(a: NodeRoutes, b: NodeRoutes): boolean {
  return sameTexts(a.allowed, b.allowed) && sameTexts(a.primary, b.primary);
}

function sameJson(a: unknown, b: unknown): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}
