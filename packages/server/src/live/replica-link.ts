import type { ReplicaNews, Replicas, SharedPresence } from "@headscale/store";
import type { NodeId } from "@headscale/tailnet";
import type { Live } from "./live.ts";
import type { RouteRoles } from "./route-roles.ts";

export interface ReplicaLinkOptions {
  readonly live: Live;
  readonly replicas: Replicas;
  readonly roles: RouteRoles;
  /** A daemon that has not been heard of for this long is gone, and its nodes are offline. */
  readonly leaseMs: number;
  /** How often route roles and rows that had to wait are looked at. */
  readonly shareMs: number;
  /** What is left of the lease after an orderly end: until then its nodes may come back elsewhere. */
  readonly graceMs: number;
  onError(what: string, error: unknown): void;
}

/** Renewals in the time of one lease: two may fail. */
const renewalsPerLease = 3;
/** More nodes than this are quicker read with all others. */
const readsAtOnce = 2_000;

/** Ties this daemon to the others on its database: its lease, who is connected where, and which router serves. */
export class ReplicaLink implements AsyncDisposable {
  readonly #options: ReplicaLinkOptions;
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #stack = new DisposableStack();
  #running: ReadonlySet<string> = new Set();
  #wanted: Set<NodeId> | "all" = "all";
  #rolesChanged = false;
  #renewalDue = false;
  /** The database is away: nothing is asked of it before the next renewal. */
  #resting = false;
  #work: Promise<void> | undefined;
  #ended = false;

  private constructor(options: ReplicaLinkOptions) {
    this.#options = options;
  }

  /** Resolves when this daemon knows who is connected to the others. @throws {StoreError} */
  static async open(options: ReplicaLinkOptions): Promise<ReplicaLink> {
    const link = new ReplicaLink(options);
    await link.#renew();
    await link.#look();
    options.live.attendance.shareWithOthers((id) => link.#lookAt(id));
    link.#stack.use(options.replicas.onNews((news) => link.#hear(news)));
    link.#timers.push(
      setInterval(() => link.#start(true), options.leaseMs / renewalsPerLease),
      setInterval(() => link.#start(false), options.shareMs),
    );
    return link;
  }

  #hear(news: ReplicaNews): void {
    if (news === undefined) this.#wanted = "all";
    if (news === undefined || "primaries" in news) this.#rolesChanged = true;
    else this.#want(news.presenceOf);
    this.#start(false);
  }

  #want(ids: readonly NodeId[]): void {
    if (this.#wanted === "all") return;
    for (const id of ids) this.#wanted.add(id);
    if (this.#wanted.size > readsAtOnce) this.#wanted = "all";
  }

  #start(renews: boolean): void {
    const { roles } = this.#options;
    this.#renewalDue ||= renews;
    const isIdle = this.#wanted !== "all" && this.#wanted.size === 0 && !this.#rolesChanged && !roles.hasNews;
    if (renews) this.#resting = false;
    if (this.#ended || this.#work || this.#resting || (isIdle && !renews)) return;
    this.#work = this.#run();
  }

  async #run(): Promise<void> {
    do await this.#round();
    while (this.#renewalDue && !this.#ended);
    this.#work = undefined;
  }

  /** What fails is done with the next renewal. */
  async #round(): Promise<void> {
    const { roles, live, onError } = this.#options;
    const renews = this.#renewalDue;
    this.#renewalDue = false;
    try {
      if (renews) await this.#renew();
      await this.#look();
      if (!renews && !this.#rolesChanged && !roles.hasNews) return;
      this.#rolesChanged = false;
      await roles.agree(live);
    } catch (error) {
      this.#rolesChanged = true;
      this.#resting = true;
      onError("telling the other replicas", error);
    }
  }

  async #renew(): Promise<void> {
    const { replicas, live, leaseMs } = this.#options;
    const { running, lapsed } = await replicas.renew(leaseMs);
    this.#running = running;
    live.attendance.replicasGone(running);
    if (!lapsed) return;
    live.attendance.retake(live.tailnets);
    this.#wanted = "all";
  }

  /** Reads what others wrote about the nodes in question. */
  async #look(): Promise<void> {
    const wanted = this.#wanted;
    if (wanted !== "all" && wanted.size === 0) return;
    this.#wanted = new Set();
    try {
      const unknown = await this.#read(wanted === "all" ? undefined : [...wanted]);
      if (unknown.length === 0) return;
      // Made by a commit that this daemon has yet to hear of; or deleted.
      await this.#options.live.catchUp();
      await this.#read(unknown);
    } catch (error) {
      this.#wanted = "all";
      throw error;
    }
  }

  /** Returns the nodes that this daemon does not know. */
  async #read(ids: readonly NodeId[] | undefined): Promise<readonly NodeId[]> {
    const { replicas, live } = this.#options;
    const mark = live.presenceMark();
    const rows = await replicas.presence(ids);
    if (this.#namesStranger(rows)) await this.#renew();
    const { unknown, newer } = live.attendance.takeIn(rows, { mark, self: replicas.self, running: this.#running });
    this.#want(newer);
    return unknown;
  }

  /** Whether a row names a daemon that is not known to run: it may have started since the last renewal. */
  #namesStranger(rows: ReadonlyMap<NodeId, SharedPresence>): boolean {
    const { self } = this.#options.replicas;
    for (const { replica } of rows.values()) {
      if (replica !== undefined && replica !== self && !this.#running.has(replica)) return true;
    }
    return false;
  }

  async #lookAt(id: NodeId): Promise<void> {
    while (this.#work !== undefined) await this.#work;
    this.#want([id]);
    this.#start(false);
    await this.#work;
  }

  /** The others keep this daemon's nodes online for the time that those need to come to them. */
  async [Symbol.asyncDispose](): Promise<void> {
    const { replicas, graceMs, onError } = this.#options;
    this.#ended = true;
    for (const timer of this.#timers) clearInterval(timer);
    this.#stack.dispose();
    await this.#work;
    await replicas.renew(graceMs).catch((error: unknown) => onError("ending the lease", error));
  }
}
