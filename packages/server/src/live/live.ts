import type { PolicySettings } from "@headscale/policy";
import type { DERPMap, Hostinfo, MapRequest } from "@headscale/tailcfg";
import {
  type Change,
  type Circumstances,
  type Command,
  isExpired,
  type Node,
  type NodeId,
  type Presence,
  type TailnetId,
  type TailnetSettings,
  type World,
} from "@headscale/tailnet";
import { ensureDefaultTailnet, purgeAuthRequests } from "@headscale/tailnet/commands";
import { Arrivals } from "./arrivals.ts";
import { Attendance } from "./attendance.ts";
import { ChangeFeed } from "./change-feed.ts";
import { DnsConfigs } from "./dns-configs.ts";
import { HostReports } from "./host-reports.ts";
import { Lifetimes } from "./lifetimes.ts";
import type { LiveOptions } from "./live-options.ts";
import { LiveTailnet, type PolicyDocument } from "./live-tailnet.ts";
import type { MapSession } from "./map-session.ts";
import { policyJudge } from "./policy-judge.ts";
import { PresenceBook, type PresenceMark } from "./presence-book.ts";
import { PresenceFlush } from "./presence-flush.ts";
import { revokeUngranted } from "./ssh-approvals.ts";
import { touchSelf } from "./touch.ts";
import { type Touched, touchedTailnets } from "./touched-tailnets.ts";
import { WriteQueue } from "./write-queue.ts";

/** The running state of the server: the durable world behind its one writer, presence, and every tailnet's sessions. */
export class Live implements AsyncDisposable {
  readonly feed: ChangeFeed;
  readonly arrivals = new Arrivals();
  readonly #options: LiveOptions;
  readonly #queue: WriteQueue;
  readonly #presence: PresenceBook;
  readonly #tailnets = new Map<TailnetId, LiveTailnet>();
  readonly #lifetimes: Lifetimes;
  readonly #flush: PresenceFlush;
  readonly #reports: HostReports;
  readonly attendance: Attendance;
  #derpMap: DERPMap;
  readonly #dns: DnsConfigs;

  private constructor(options: LiveOptions) {
    this.#options = options;
    this.feed = new ChangeFeed(options.limits.feedBacklog);
    this.#derpMap = options.derpMap;
    this.#dns = new DnsConfigs(options.dns);
    this.#presence = new PresenceBook(options.store, options.presence, (error) =>
      options.onError("writing presence", error),
    );
    this.#queue = new WriteQueue({
      log: options.store,
      world: options.world,
      given: (actor) => this.#given(actor),
      committed: (before, after, changes) => this.#committed(before, after, changes),
      onError: options.onError,
      catchUp: options.catchUp,
      isShared: options.roles !== undefined,
      maxWaiting: options.limits.maxWaitingCommands,
    });
    this.#reports = new HostReports({
      world: () => this.world,
      execute: (command, actor) => this.execute(command, actor),
      onError: options.onError,
    });
    this.#lifetimes = new Lifetimes(this.now, options.limits, {
      keyExpired: (id) => this.#keyExpired(id),
      departed: (id) => this.attendance.departed(id),
      abandoned: (id) => this.#background("removing an ephemeral node", this.attendance.abandon(id)),
      loginRanOut: () => this.#background("purging logins", this.execute(purgeAuthRequests, "system")),
    });
    this.attendance = new Attendance({
      book: this.#presence,
      lifetimes: this.#lifetimes,
      reports: this.#reports,
      feed: this.feed,
      now: this.now,
      world: () => this.world,
      tailnet: (id) => this.tailnet(id),
      execute: (command, actor) => this.execute(command, actor),
    });
    this.#flush = new PresenceFlush(this.#presence, options.limits.presenceFlushMs);
  }

  /** Starts from what a store holds; a fresh one gets the tailnet `default`. */
  static async start(options: LiveOptions): Promise<Live> {
    const live = new Live(options);
    await live.execute(ensureDefaultTailnet, "system");
    for (const node of live.world.nodes.values()) live.#lifetimes.found(node);
    for (const request of live.world.authRequests.values()) live.#lifetimes.login(request);
    return live;
  }

  readonly now = (): number => (this.#options.now ?? Date.now)();

  get world(): World {
    return this.#queue.world;
  }

  get derpMap(): DERPMap {
    return this.#derpMap;
  }

  get policySettings(): PolicySettings {
    return this.#options.policySettings;
  }

  get settings(): TailnetSettings {
    return this.#options.settings;
  }

  /** Commands that wait to be written. */
  get backlog(): number {
    return this.#queue.length;
  }

  /** The one way to change anything durable. @throws {TailnetError | QueueFullError} */
  execute<R>(command: Command<R>, actor: string): Promise<R> {
    return this.#queue.execute(command, actor);
  }

  /** Another writer has committed: takes its changes in as if they had been made here. */
  catchUp(): Promise<void> {
    return this.#queue.catchUp();
  }

  /** What is known here may be older than what another daemon told a client: resolves when that cannot be. */
  async caughtUp(): Promise<void> {
    if (this.#options.roles) await this.catchUp();
  }

  /** Now, to tell later whether presence that was read meanwhile is older than what is known here. */
  presenceMark(): PresenceMark {
    return this.#presence.mark();
  }

  tailnet(id: TailnetId): LiveTailnet {
    const known = this.#tailnets.get(id);
    if (known) return known;
    const options = this.#options;
    const tailnet = new LiveTailnet(
      id,
      {
        world: () => this.world,
        now: this.now,
        presence: (node) => this.#presence.get(node),
        derpMap: () => this.#derpMap,
        dns: (which) => this.#dns.of(this.world, which),
        roles: options.roles,
        netmap: options.netmap,
        policy: options.policySettings,
        timing: options.timing,
      },
      options.policyOf(this.world, id),
    );
    this.#tailnets.set(id, tailnet);
    return tailnet;
  }

  /** Tailnets that somebody has asked about since the start. */
  get tailnets(): Iterable<LiveTailnet> {
    return this.#tailnets.values();
  }

  presence(id: NodeId): Presence {
    return this.#presence.get(id);
  }

  /** Takes in what a client reports with a map request. */
  report(node: Node, request: MapRequest): Promise<void> {
    return this.attendance.report(node, request);
  }

  /** Takes in the Hostinfo of a registration, so that routes and names are known before the first map request. */
  noteHostinfo(node: Node, hostinfo: Hostinfo, capVersion: number): Promise<void> {
    return this.attendance.noteHostinfo(node, hostinfo, capVersion);
  }

  /** Opens the node's map stream: it is online from here on. */
  connect(node: Node): MapSession {
    return this.attendance.connect(node);
  }

  /** A map stream has ended; the node goes offline after a grace period without another one. */
  disconnect(tailnet: TailnetId, session: MapSession): void {
    this.attendance.disconnect(this.#tailnets.get(tailnet), session);
  }

  #keyExpired(id: NodeId): void {
    const node = this.world.nodes.get(id);
    if (node && isExpired(node, this.now())) this.tailnet(node.tailnet).keyExpired(id);
  }

  /** Another policy document is in force for a tailnet. */
  setPolicyDocument(tailnet: TailnetId, document: PolicyDocument): void {
    this.tailnet(tailnet).setPolicy(document);
    this.#background("taking back SSH approvals", revokeUngranted(this, tailnet));
  }

  setDerpMap(derpMap: DERPMap): void {
    if (JSON.stringify(derpMap) === JSON.stringify(this.#derpMap)) return;
    this.#derpMap = derpMap;
    for (const tailnet of this.#tailnets.values()) tailnet.relaysChanged();
  }

  /** Names or resolvers changed: everybody gets the DNS settings anew. */
  dnsChanged(): void {
    this.#dns.forgetAll();
    for (const tailnet of this.#tailnets.values()) tailnet.sessions.touchAll(touchSelf.dns);
  }

  #given(actor: string): Circumstances {
    return {
      now: this.now(),
      actor,
      settings: this.#options.settings,
      random: this.#options.random ?? Math.random,
      policy: (tailnet) => policyJudge(this.tailnet(tailnet), (node) => this.#presence.get(node.id)),
      presence: (node) => this.#presence.get(node.id),
    };
  }

  #committed(before: World, after: World, changes: readonly Change[]): void {
    for (const change of changes) {
      if (change.subject === "auth-request" && change.after) this.#lifetimes.login(change.after);
    }
    for (const [id, touched] of touchedTailnets(changes)) {
      try {
        this.#tailnetCommitted(id, touched, before, after);
      } catch (error) {
        this.#options.onError(`announcing a change of tailnet ${id}`, error);
      }
    }
    this.feed.publish(changes);
  }

  #tailnetCommitted(id: TailnetId, touched: Touched, before: World, after: World): void {
    const differences = [...touched.nodes].map((node) => ({
      before: before.nodes.get(node),
      after: after.nodes.get(node),
    }));
    for (const { before: old, after: now } of differences) this.#nodeCommitted(old, now);
    if (touched.deleted) {
      this.#tailnets.delete(id);
      this.#dns.forget(id);
      return;
    }
    const users = [...touched.users].map((user) => ({ id: user, after: after.users.get(user) }));
    const tailnet = this.#tailnets.get(id);
    tailnet?.changed(differences, users);
    if (touched.policySet) this.setPolicyDocument(id, this.#options.policyOf(after, id));
    if (touched.renamed) this.#tailnetRenamed(id, tailnet);
  }

  #nodeCommitted(before: Node | undefined, after: Node | undefined): void {
    if (before?.nodeKey !== after?.nodeKey) {
      if (before) this.#options.onNodeKey?.(before.nodeKey, false);
      if (after) this.#options.onNodeKey?.(after.nodeKey, true);
    }
    if (after) this.#lifetimes.changed(after);
    const known = after && !before ? this.arrivals.of(after) : undefined;
    if (after && known) this.#presence.set(after.id, known);
    if (after && !before) this.#lifetimes.left(after);
    if (after || !before) return;
    this.#lifetimes.removed(before.id);
    this.#reports.forget(before.id);
    this.attendance.forget(before.id);
  }

  #tailnetRenamed(id: TailnetId, tailnet: LiveTailnet | undefined): void {
    this.#dns.forget(id);
    tailnet?.records.invalidateAll();
    tailnet?.sessions.endAll();
  }

  #background(what: string, work: Promise<unknown>): void {
    work.catch((error: unknown) => this.#options.onError(what, error));
  }

  /** Writes what is still in memory; map streams are told to end. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#flush[Symbol.dispose]();
    this.#lifetimes[Symbol.dispose]();
    for (const tailnet of this.#tailnets.values()) tailnet.sessions.endAll();
    await this.#queue.idle();
    await this.#presence.flush();
  }
}
