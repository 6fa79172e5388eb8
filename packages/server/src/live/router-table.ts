import { isExitRoute, type Prefix } from "@headscale/netip";
import { announcedRoutes, effectiveRoutes, type Node, type NodeId, type Presence } from "@headscale/tailnet";
import { electPrimary } from "@headscale/tailnet/netmap";

/** Which nodes carry which approved routes, and who is the primary of each subnet prefix. */
export class RouterTable {
  readonly #routesOf = new Map<NodeId, readonly Prefix[]>();
  readonly #routersOf = new Map<Prefix, Set<NodeId>>();
  readonly #primaries = new Map<Prefix, NodeId>();
  readonly #unhealthy = new Set<NodeId>();
  readonly #elected: (prefix: Prefix) => void;

  /** `initial`: roles as they were agreed on; `elected` hears of every role that changes hands here. */
  constructor(
    initial: Iterable<readonly [Prefix, NodeId | undefined]> = [],
    elected: (prefix: Prefix) => void = () => undefined,
  ) {
    for (const [prefix, id] of initial) if (id !== undefined) this.#primaries.set(prefix, id);
    this.#elected = elected;
  }

  get primaries(): ReadonlyMap<Prefix, NodeId> {
    return this.#primaries;
  }

  /** Whether the node carries any route, exit routes included. */
  isRouter(id: NodeId): boolean {
    return this.#routesOf.has(id);
  }

  /** Prefixes that at least two nodes could carry: what health probes are for. */
  contested(): readonly (readonly [Prefix, readonly NodeId[]])[] {
    return [...this.#routersOf].flatMap(([prefix, ids]) => (ids.size > 1 ? [[prefix, [...ids]] as const] : []));
  }

  /**
   * Takes in the present state of a node (undefined = gone) and elects anew where it matters; returns the nodes whose
   * primary routes changed.
   */
  update(
    id: NodeId,
    node: Node | undefined,
    presence: Presence,
    isOnline: (id: NodeId) => boolean,
  ): ReadonlySet<NodeId> {
    const before = this.#routesOf.get(id) ?? [];
    const now = node ? effectiveRoutes(announcedRoutes(presence.hostinfo), node.approvedRoutes) : [];
    if (now.length > 0) this.#routesOf.set(id, now);
    else {
      this.#routesOf.delete(id);
      this.#unhealthy.delete(id);
    }
    for (const prefix of before) if (!now.includes(prefix)) this.#withdraw(prefix, id);
    for (const prefix of now) this.#offer(prefix, id);
    return this.#elect(new Set([...before, ...now]), isOnline);
  }

  /** Marks probe results; returns the nodes whose primary routes changed. */
  setHealth(id: NodeId, healthy: boolean, isOnline: (id: NodeId) => boolean): ReadonlySet<NodeId> {
    if (healthy) this.#unhealthy.delete(id);
    else this.#unhealthy.add(id);
    return this.#elect(new Set(this.#routesOf.get(id) ?? []), isOnline);
  }

  /** Follows what was decided elsewhere, where that is possible; returns the nodes whose primary routes changed. */
  adopt(
    roles: Iterable<readonly [Prefix, NodeId | undefined]>,
    isOnline: (id: NodeId) => boolean,
  ): ReadonlySet<NodeId> {
    const moved = new Set<NodeId>();
    const adopted = new Set<Prefix>();
    for (const [prefix, id] of roles) {
      const current = this.#primaries.get(prefix);
      if (id === undefined || id === current || !this.#routersOf.get(prefix)?.has(id)) continue;
      this.#primaries.set(prefix, id);
      adopted.add(prefix);
      for (const other of [current, id]) if (other !== undefined) moved.add(other);
    }
    for (const id of this.#elect(adopted, isOnline)) moved.add(id);
    return moved;
  }

  #offer(prefix: Prefix, id: NodeId): void {
    if (isExitRoute(prefix)) return;
    const routers = this.#routersOf.get(prefix);
    if (routers) routers.add(id);
    else this.#routersOf.set(prefix, new Set([id]));
  }

  #withdraw(prefix: Prefix, id: NodeId): void {
    const routers = this.#routersOf.get(prefix);
    routers?.delete(id);
    if (routers?.size === 0) this.#routersOf.delete(prefix);
  }

  #elect(prefixes: ReadonlySet<Prefix>, isOnline: (id: NodeId) => boolean): ReadonlySet<NodeId> {
    const moved = new Set<NodeId>();
    for (const prefix of prefixes) {
      const current = this.#primaries.get(prefix);
      const candidates = [...(this.#routersOf.get(prefix) ?? [])].map((id) => ({
        id,
        up: isOnline(id) && !this.#unhealthy.has(id),
      }));
      const next = electPrimary(current, candidates);
      if (next === current) continue;
      if (next === undefined) this.#primaries.delete(prefix);
      else this.#primaries.set(prefix, next);
      this.#elected(prefix);
      for (const id of [current, next]) if (id !== undefined) moved.add(id);
    }
    return moved;
  }
}
