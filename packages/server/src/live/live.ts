import type { PolicySettings } from "@headscale/policy";
import type { DERPMap, DNSConfig, Hostinfo, MapRequest } from "@headscale/tailcfg";
import type { NodeKey } from "@headscale/tailcfg/keys";
import {
  type AuthRequestId,
  type Change,
  type Circumstances,
  type Command,
  isExpired,
  type Node,
  type NodeId,
  type PolicyJudge,
  type Presence,
  type TailnetId,
  type TailnetSettings,
  type World,
} from "@headscale/tailnet";
import {
  concernsNode,
  deleteNode,
  ensureDefaultTailnet,
  purgeAuthRequests,
  reportHostinfo,
} from "@headscale/tailnet/commands";
import type { NetmapSettings } from "@headscale/tailnet/netmap";
import { ChangeFeed } from "./change-feed.ts";
import { Deadlines } from "./deadlines.ts";
import { LiveTailnet, type PolicyDocument } from "./live-tailnet.ts";
import type { MapSession, SessionTiming } from "./map-session.ts";
import { policyNode } from "./policy-input.ts";
import { PresenceBook, type PresenceStore } from "./presence-book.ts";
import { afterReport, mergeHostinfo } from "./presence-rules.ts";
import { touchSelf } from "./touch.ts";
import { type CommitLog, WriteQueue } from "./write-queue.ts";

export interface LiveOptions {
  readonly store: CommitLog & PresenceStore;
  readonly world: World;
  readonly presence: Iterable<readonly [NodeId, Presence]>;
  /** Reads the changes that another writer made since `world`. */
  catchUp(world: World): Promise<World>;
  readonly settings: TailnetSettings;
  readonly netmap: NetmapSettings;
  readonly policySettings: PolicySettings;
  readonly timing: SessionTiming;
  readonly limits: {
    readonly maxWaitingCommands: number;
    /** A node without a stream is shown as online for this long, to ride out reconnects. */
    readonly offlineGraceMs: number;
    readonly ephemeralInactivityMs: number;
    readonly presenceFlushMs: number;
  };
  /** The policy in force for a tailnet; a text that does not parse is the caller's to report. */
  policyOf(world: World, tailnet: TailnetId): PolicyDocument;
  readonly derpMap: DERPMap;
  dns(world: World, tailnet: TailnetId): DNSConfig;
  readonly now?: () => number;
  readonly random?: () => number;
  /** A node key became good, or stopped being one: relays let its owner in or throw it out. */
  onNodeKey?(key: NodeKey, isGood: boolean): void;
  onError(what: string, error: unknown): void;
}

/** The running state of the server: the durable world behind its one writer, presence, and every tailnet's sessions. */
export class Live implements AsyncDisposable {
  readonly feed = new ChangeFeed();
  readonly #options: LiveOptions;
  readonly #queue: WriteQueue;
  readonly #presence: PresenceBook;
  readonly #tailnets = new Map<TailnetId, LiveTailnet>();
  readonly #expiries: Deadlines<NodeId>;
  readonly #departures: Deadlines<NodeId>;
  readonly #ephemerals: Deadlines<NodeId>;
  readonly #logins: Deadlines<AuthRequestId>;
  readonly #flushTimer: NodeJS.Timeout;
  #derpMap: DERPMap;
  #dns = new Map<TailnetId, DNSConfig>();

  private constructor(options: LiveOptions) {
    this.#options = options;
    this.#derpMap = options.derpMap;
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
      maxWaiting: options.limits.maxWaitingCommands,
    });
    this.#expiries = new Deadlines((id) => this.#keyExpired(id), this.now);
    this.#departures = new Deadlines((id) => this.#departed(id), this.now);
    this.#ephemerals = new Deadlines((id) => this.#abandon(id), this.now);
    this.#logins = new Deadlines(
      () => this.#background("purging logins", this.execute(purgeAuthRequests, "system")),
      this.now,
    );
    this.#flushTimer = setInterval(() => void this.#presence.flush(), options.limits.presenceFlushMs);
  }

  /** Starts from what a store holds; a fresh one gets the tailnet `default`. */
  static async start(options: LiveOptions): Promise<Live> {
    const live = new Live(options);
    await live.execute(ensureDefaultTailnet, "system");
    for (const node of live.world.nodes.values()) {
      live.#armExpiry(node);
      if (node.ephemeral) live.#ephemerals.set(node.id, live.now() + options.limits.ephemeralInactivityMs);
    }
    for (const request of live.world.authRequests.values()) live.#logins.set(request.id, request.expiresAt);
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
        dns: (which) => this.#dnsOf(which),
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
  async report(node: Node, request: MapRequest): Promise<void> {
    const before = this.#presence.get(node.id);
    const after = afterReport(before, request);
    await this.#setHostinfo(node, before, after);
  }

  /** Takes in the Hostinfo of a registration, so that routes and names are known before the first map request. */
  async noteHostinfo(node: Node, hostinfo: Hostinfo, capVersion: number): Promise<void> {
    const before = this.#presence.get(node.id);
    await this.#setHostinfo(node, before, {
      ...before,
      hostinfo: mergeHostinfo(before.hostinfo, hostinfo),
      capVersion,
    });
  }

  async #setHostinfo(node: Node, before: Presence, after: Presence): Promise<void> {
    const durable = before.hostinfo !== after.hostinfo && concernsNode(node, before.hostinfo, after.hostinfo);
    this.#setPresence(node.id, before, after);
    if (durable) await this.execute(reportHostinfo(node.id, after.hostinfo), `node:${node.id}`);
  }

  #setPresence(id: NodeId, before: Presence, after: Presence): void {
    if (JSON.stringify(before) === JSON.stringify(after)) return;
    this.#presence.set(id, after);
    const node = this.world.nodes.get(id);
    if (!node) return;
    this.tailnet(node.tailnet).presenceChanged(id, before, after);
    if (before.online === after.online) return;
    const kind = after.online ? "node-online" : "node-offline";
    this.feed.publishPresence({ kind, tailnet: node.tailnet, id, at: this.now() });
  }

  /** Opens the node's map stream: it is online from here on. */
  connect(node: Node): MapSession {
    this.#departures.delete(node.id);
    this.#ephemerals.delete(node.id);
    const session = this.tailnet(node.tailnet).openSession(node.id);
    const before = this.#presence.get(node.id);
    if (!before.online) this.#setPresence(node.id, before, { ...before, online: true });
    return session;
  }

  /** A map stream has ended; the node goes offline after a grace period without another one. */
  disconnect(tailnet: TailnetId, session: MapSession): void {
    if (!this.#tailnets.get(tailnet)?.closeSession(session)) return;
    if (!this.world.nodes.has(session.viewer)) return;
    this.#departures.set(session.viewer, this.now() + this.#options.limits.offlineGraceMs);
  }

  #departed(id: NodeId): void {
    const node = this.world.nodes.get(id);
    if (!node || this.tailnet(node.tailnet).hasSession(id)) return;
    const before = this.#presence.get(id);
    this.#setPresence(id, before, { ...before, online: false, lastSeen: this.now() });
    if (node.ephemeral) this.#ephemerals.set(id, this.now() + this.#options.limits.ephemeralInactivityMs);
  }

  #abandon(id: NodeId): void {
    const node = this.world.nodes.get(id);
    if (!node?.ephemeral || this.tailnet(node.tailnet).hasSession(id)) return;
    this.#background("removing an ephemeral node", this.execute(deleteNode(id), "system"));
  }

  #keyExpired(id: NodeId): void {
    const node = this.world.nodes.get(id);
    if (node && isExpired(node, this.now())) this.tailnet(node.tailnet).keyExpired(id);
  }

  #armExpiry(node: Node): void {
    if (node.expiry !== undefined && node.expiry > this.now()) this.#expiries.set(node.id, node.expiry);
    else this.#expiries.delete(node.id);
  }

  /** Another policy document is in force for a tailnet. */
  setPolicyDocument(tailnet: TailnetId, document: PolicyDocument): void {
    this.tailnet(tailnet).setPolicy(document);
  }

  setDerpMap(derpMap: DERPMap): void {
    if (JSON.stringify(derpMap) === JSON.stringify(this.#derpMap)) return;
    this.#derpMap = derpMap;
    for (const tailnet of this.#tailnets.values()) tailnet.touchAll(touchSelf.derpMap);
  }

  /** Names or resolvers changed: everybody gets the DNS settings anew. */
  dnsChanged(): void {
    this.#dns = new Map();
    for (const tailnet of this.#tailnets.values()) tailnet.touchAll(touchSelf.dns);
  }

  #dnsOf(tailnet: TailnetId): DNSConfig {
    let dns = this.#dns.get(tailnet);
    if (!dns) {
      dns = this.#options.dns(this.world, tailnet);
      this.#dns.set(tailnet, dns);
    }
    return dns;
  }

  #given(actor: string): Circumstances {
    return {
      now: this.now(),
      actor,
      settings: this.#options.settings,
      random: this.#options.random ?? Math.random,
      policy: (tailnet) => this.#judge(tailnet),
      presence: (node) => this.#presence.get(node.id),
    };
  }

  #judge(id: TailnetId): PolicyJudge {
    const tailnet = this.tailnet(id);
    return {
      mayTag: (userId, tag) => userId !== undefined && tailnet.policy.mayAssignTag({ userId }, tag),
      isDefinedTag: (tag) => tailnet.policy.definedTags.has(tag),
      autoApproved: (node, announced) => {
        if (announced.length === 0) return [];
        const seen = policyNode(node, this.#presence.get(node.id), tailnet.routers.primaries);
        return tailnet.policy.autoApprovedRoutes({ ...seen, advertisedRoutes: announced });
      },
    };
  }

  #committed(before: World, after: World, changes: readonly Change[]): void {
    const touched = new Map<TailnetId, { nodes: Set<NodeId>; users: Set<number>; renamed: boolean }>();
    const of = (id: TailnetId) => {
      let entry = touched.get(id);
      if (!entry) {
        entry = { nodes: new Set(), users: new Set(), renamed: false };
        touched.set(id, entry);
      }
      return entry;
    };
    for (const change of changes) {
      if (change.subject === "node") of(change.tailnet).nodes.add(change.id);
      if (change.subject === "user") of(change.tailnet).users.add(change.id);
      if (change.kind === "tailnet-renamed") of(change.tailnet).renamed = true;
      if (change.subject === "auth-request" && change.after) this.#logins.set(change.after.id, change.after.expiresAt);
    }
    for (const [id, { nodes, users, renamed }] of touched) {
      const differences = [...nodes].map((node) => ({ before: before.nodes.get(node), after: after.nodes.get(node) }));
      for (const { before: old, after: now } of differences) this.#nodeCommitted(old, now);
      const userList = [...users].map((user) => ({ id: user, after: after.users.get(user as never) }));
      this.#tailnets.get(id)?.changed(differences, userList);
      if (renamed) this.#tailnetRenamed(id);
    }
    this.feed.publish(changes);
  }

  #nodeCommitted(before: Node | undefined, after: Node | undefined): void {
    if (before?.nodeKey !== after?.nodeKey) {
      if (before) this.#options.onNodeKey?.(before.nodeKey, false);
      if (after) this.#options.onNodeKey?.(after.nodeKey, true);
    }
    if (after) this.#armExpiry(after);
    if (after?.ephemeral && !before)
      this.#ephemerals.set(after.id, this.now() + this.#options.limits.ephemeralInactivityMs);
    if (after || !before) return;
    this.#expiries.delete(before.id);
    this.#departures.delete(before.id);
    this.#ephemerals.delete(before.id);
    this.#presence.forget(before.id);
  }

  #tailnetRenamed(id: TailnetId): void {
    this.#dns.delete(id);
    const tailnet = this.#tailnets.get(id);
    tailnet?.records.invalidateAll();
    tailnet?.restart();
  }

  #background(what: string, work: Promise<unknown>): void {
    work.catch((error: unknown) => this.#options.onError(what, error));
  }

  /** Writes what is still in memory; map streams are told to end. */
  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#flushTimer);
    for (const timers of [this.#expiries, this.#departures, this.#ephemerals, this.#logins]) timers[Symbol.dispose]();
    for (const tailnet of this.#tailnets.values()) tailnet.endSessions();
    await this.#queue.idle();
    await this.#presence.flush();
  }
}
