import type { Prefix } from "@headscale/netip";
import type { PrimaryClaim, PrimaryRouter } from "@headscale/store";
import type { NodeId, TailnetId } from "@headscale/tailnet";
import type { LiveTailnet } from "./live-tailnet.ts";

interface RoleStore {
  primaries(): Promise<readonly PrimaryRouter[]>;
  claim(claims: readonly PrimaryClaim[]): Promise<void>;
}

/** What is needed of the tailnets that run. */
interface Tailnets {
  tailnet(id: TailnetId): Pick<LiveTailnet, "routers">;
  readonly tailnets: Iterable<Pick<LiveTailnet, "id" | "adoptPrimaries">>;
  readonly world: { readonly tailnets: { has(id: TailnetId): boolean } };
}

type Roles = Map<Prefix, NodeId | undefined>;

/**
 * Which router serves each prefix, agreed between the daemons of one database: each elects by itself and at once, the
 * first to write it down has decided, and the others follow.
 */
export class RouteRoles {
  readonly #store: RoleStore;
  #agreed = new Map<TailnetId, Roles>();
  #elected = new Map<TailnetId, Set<Prefix>>();
  #running: Promise<void> = Promise.resolve();

  private constructor(store: RoleStore) {
    this.#store = store;
  }

  static async open(store: RoleStore): Promise<RouteRoles> {
    const roles = new RouteRoles(store);
    await roles.#read();
    return roles;
  }

  /** What a tailnet that starts to run begins with. */
  of(tailnet: TailnetId): ReadonlyMap<Prefix, NodeId | undefined> {
    return this.#agreed.get(tailnet) ?? new Map();
  }

  /** This daemon has elected a router: the others are to know with the next round. */
  elected(tailnet: TailnetId, prefix: Prefix): void {
    const prefixes = this.#elected.get(tailnet) ?? new Set();
    this.#elected.set(tailnet, prefixes.add(prefix));
  }

  get hasNews(): boolean {
    return this.#elected.size > 0;
  }

  /** Writes down what was elected here unless another daemon was first, and follows what holds. */
  agree(live: Tailnets): Promise<void> {
    const next = this.#running.then(() => this.#agree(live));
    this.#running = next.catch(() => undefined);
    return next;
  }

  async #agree(live: Tailnets): Promise<void> {
    const elected = this.#elected;
    this.#elected = new Map();
    try {
      await this.#store.claim(this.#claims(live, elected));
      await this.#read();
    } catch (error) {
      for (const [tailnet, prefixes] of elected) for (const prefix of prefixes) this.elected(tailnet, prefix);
      throw error;
    }
    for (const tailnet of live.tailnets) {
      const since = this.#elected.get(tailnet.id);
      tailnet.adoptPrimaries([...this.of(tailnet.id)].filter(([prefix]) => !since?.has(prefix)));
    }
  }

  #claims(live: Tailnets, elected: ReadonlyMap<TailnetId, ReadonlySet<Prefix>>): PrimaryClaim[] {
    const claims: PrimaryClaim[] = [];
    for (const [tailnet, prefixes] of elected) {
      if (!live.world.tailnets.has(tailnet)) continue;
      const { primaries } = live.tailnet(tailnet).routers;
      for (const prefix of prefixes) {
        const [seen, node] = [this.of(tailnet).get(prefix), primaries.get(prefix)];
        if (seen !== node) claims.push({ tailnet, prefix, seen, node });
      }
    }
    return claims;
  }

  async #read(): Promise<void> {
    const agreed = new Map<TailnetId, Roles>();
    for (const { tailnet, prefix, node } of await this.#store.primaries()) {
      const roles = agreed.get(tailnet) ?? new Map();
      agreed.set(tailnet, roles.set(prefix, node));
    }
    this.#agreed = agreed;
  }
}
