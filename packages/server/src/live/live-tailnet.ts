import type { Prefix } from "@headscale/netip";
import {
  type Affected,
  type CompiledPolicy,
  type CompileInput,
  compilePolicy,
  type NodeRoutes,
  type PolicyChange,
  type PolicyNode,
  type PolicySettings,
  updatePolicy,
} from "@headscale/policy";
import type { DERPMap, DNSConfig, UserProfile } from "@headscale/tailcfg";
import {
  type Node,
  type NodeId,
  nodesOf,
  type Presence,
  type TailnetId,
  type User,
  usersOf,
  type World,
} from "@headscale/tailnet";
import type { NetmapSettings, NetmapView } from "@headscale/tailnet/netmap";
import { MapSession, type SessionTiming } from "./map-session.ts";
import { OwnerProfiles } from "./owner-profiles.ts";
import { policyNode, policySees, policyUser } from "./policy-input.ts";
import { sameAttributes } from "./posture-attributes.ts";
import { noRoutes, RecordCache } from "./record-cache.ts";
import { Rounds } from "./rounds.ts";
import type { RouteRoles } from "./route-roles.ts";
import { RouterTable } from "./router-table.ts";
import type { SessionSource } from "./session-source.ts";
import { Sessions } from "./sessions.ts";
import { SharedMessages } from "./shared-messages.ts";
import { TailnetRelays } from "./tailnet-relays.ts";
import { touch, touchSelf } from "./touch.ts";
import { nodeBits, presenceBits } from "./touched.ts";

export type PolicyDocument = CompileInput["policy"];

/** What a tailnet reads of the server around it. */
export interface TailnetSurroundings {
  world(): World;
  now(): number;
  presence(id: NodeId): Presence;
  derpMap(): DERPMap;
  dns(tailnet: TailnetId): DNSConfig;
  /** Which router serves what, where other daemons have a say in it. */
  readonly roles: RouteRoles | undefined;
  readonly netmap: NetmapSettings;
  readonly policy: PolicySettings;
  readonly timing: SessionTiming;
}

export interface NodeDifference {
  readonly before: Node | undefined;
  readonly after: Node | undefined;
}

/** One tailnet as it runs: its compiled policy, the routers, the records in their wire form and the open map sessions. */
export class LiveTailnet implements SessionSource {
  readonly id: TailnetId;
  readonly records = new RecordCache();
  readonly routers: RouterTable;
  readonly rounds: Rounds;
  readonly sessions: Sessions;
  readonly #around: TailnetSurroundings;
  readonly #policyNodes = new Map<NodeId, PolicyNode>();
  readonly #messages = new SharedMessages();
  readonly #relays = new TailnetRelays();
  readonly #profiles = new OwnerProfiles();
  #policy: CompiledPolicy;

  constructor(id: TailnetId, around: TailnetSurroundings, document: PolicyDocument) {
    this.id = id;
    this.#around = around;
    this.rounds = new Rounds(around.timing.coalesceMs);
    this.sessions = new Sessions(this.rounds);
    this.routers = new RouterTable(around.roles?.of(id), (prefix) => around.roles?.elected(id, prefix));
    const world = around.world();
    const nodes = nodesOf(world, id);
    for (const node of nodes) this.routers.update(node.id, node, around.presence(node.id), this.#isOnline);
    for (const node of nodes)
      this.#policyNodes.set(node.id, policyNode(node, around.presence(node.id), this.routers.primaries));
    this.#policy = compilePolicy({
      policy: document,
      users: usersOf(world, id).map(policyUser),
      nodes: this.#policyNodes.values(),
      settings: around.policy,
    });
  }

  get policy(): CompiledPolicy {
    return this.#policy;
  }

  readonly #isOnline = (id: NodeId): boolean => this.#around.presence(id).online;

  view(): NetmapView {
    const { world, now, presence, dns, netmap } = this.#around;
    const current = world();
    const tailnet = current.tailnets.get(this.id);
    if (!tailnet) throw new Error(`tailnet ${this.id} is gone`);
    return {
      world: current,
      tailnet,
      policy: this.#policy,
      settings: netmap,
      derpMap: this.derpMap,
      now: now(),
      presence,
      dns: dns(this.id),
    };
  }

  routesOf(viewer: number, peer: number): NodeRoutes | undefined {
    if (!this.routers.isRouter(peer as NodeId)) return undefined;
    const routes = this.#policy.routesFor(viewer, peer);
    return routes.allowed.length === 0 ? noRoutes : routes;
  }

  profilesOf(peers: readonly number[]): readonly UserProfile[] {
    return this.#profiles.of(peers, this.#around.world());
  }

  shared(text: string): Uint8Array {
    return this.#messages.of(text);
  }

  /** Opens the node's map stream. Whatever a probe found before, the node is here now. */
  openSession(viewer: NodeId): MapSession {
    const session = this.peek(viewer);
    this.sessions.add(session);
    this.setHealth(viewer, true);
    return session;
  }

  /** A session that hears of nothing, for one map. */
  peek(viewer: NodeId): MapSession {
    return new MapSession(viewer, this.#around.now(), this, this.#around.timing);
  }

  /** Takes in committed changes of nodes and users, and tells exactly the sessions that may see them. */
  changed(
    nodes: readonly NodeDifference[],
    users: readonly { readonly id: number; readonly after: User | undefined }[],
  ): void {
    if (users.length > 0) this.#profiles.forget();
    const moved = new Set<NodeId>();
    for (const { before, after } of nodes) {
      const id = (after ?? before)?.id;
      if (id === undefined) continue;
      for (const other of this.routers.update(id, after, this.#around.presence(id), this.#isOnline)) moved.add(other);
      if (after) this.records.invalidate(id);
      else this.records.forget(id);
    }
    this.#updatePolicy({
      ...this.#nodeChange(nodes, moved),
      ...(users.length > 0 && {
        putUsers: users.flatMap(({ after }) => (after ? [policyUser(after)] : [])),
        removedUsers: users.flatMap(({ id, after }) => (after ? [] : [id])),
      }),
    });
    for (const difference of nodes) this.#tellNode(difference);
    for (const { id } of users) this.#tellUser(id);
  }

  #nodeChange(nodes: readonly NodeDifference[], moved: ReadonlySet<NodeId>): PolicyChange {
    const { nodes: all } = this.#around.world();
    const ids = new Set([...nodes.flatMap(({ after }) => (after ? [after.id] : [])), ...moved]);
    const put: PolicyNode[] = [];
    for (const id of ids) {
      const node = all.get(id);
      if (!node) continue;
      const seen = policyNode(node, this.#around.presence(id), this.routers.primaries);
      if (!policySees(this.#policyNodes.get(id), seen)) continue;
      this.#policyNodes.set(id, seen);
      put.push(seen);
    }
    const removed = nodes.flatMap(({ before, after }) => (before && !after ? [before.id] : []));
    for (const id of removed) this.#policyNodes.delete(id);
    return { ...(put.length > 0 && { putNodes: put }), ...(removed.length > 0 && { removedNodes: removed }) };
  }

  /** Puts another policy in force. */
  setPolicy(document: PolicyDocument): void {
    if (document === this.#policy.policy) return;
    this.#updatePolicy({ policy: { to: document } });
    this.relaysChanged();
  }

  get derpMap(): DERPMap {
    return this.#relays.of(this.#around.derpMap(), this.#policy.policy);
  }

  /** The server's relays or the policy are others: everybody hears of it if that means other relays here. */
  relaysChanged(): void {
    const told = this.#relays.current;
    if (this.derpMap !== told) this.sessions.touchAll(touchSelf.derpMap);
  }

  #updatePolicy(change: PolicyChange): void {
    if (Object.keys(change).length === 0) return;
    const { next, affected } = updatePolicy(this.#policy, change);
    this.#policy = next;
    this.#tellAffected(affected);
  }

  #tellAffected(affected: Affected): void {
    const session = (id: number) => this.sessions.of(id);
    for (const [viewer, { added, removed }] of affected.peers) {
      const open = session(viewer);
      if (!open) continue;
      for (const id of added) open.touchPeer(id, touch.visibility);
      for (const id of removed) open.touchPeer(id, touch.visibility);
    }
    for (const [viewer, peers] of affected.routes) {
      for (const id of peers) session(viewer)?.touchPeer(id, touch.visibility);
    }
    for (const id of affected.records) {
      this.records.invalidate(id);
      session(id)?.touchSelf(touchSelf.record);
      this.#touchViewers(id, touch.record);
    }
    for (const id of affected.filters) session(id)?.touchSelf(touchSelf.filters);
    for (const id of [...affected.selfRoutes, ...affected.selfCapabilities])
      session(id)?.touchSelf(touchSelf.record | touchSelf.dns);
    for (const id of affected.ssh) session(id)?.touchSelf(touchSelf.ssh);
  }

  #touchViewers(id: number, bits: number): void {
    this.sessions.touchPeer(this.#policy.peersOf(id), id, bits);
  }

  #tellNode({ before, after }: NodeDifference): void {
    if (!after) {
      if (before) this.sessions.of(before.id)?.end();
      return;
    }
    const bits = before ? nodeBits(before, after, this.#around.now()) : touch.record;
    if (bits === 0) return;
    if (before && before.owner !== after.owner) this.#profiles.forget();
    this.sessions.of(after.id)?.touchSelf(touchSelf.record);
    this.#touchViewers(after.id, bits);
  }

  #tellUser(id: number): void {
    for (const node of this.#policyNodes.values()) {
      if (node.userId !== id) continue;
      this.#touchViewers(node.id, touch.profile);
      this.sessions.of(node.id)?.touchSelf(touchSelf.record);
    }
  }

  /** A node's presence went from `before` to what it is now. */
  presenceChanged(id: NodeId, before: Presence, after: Presence): void {
    const node = this.#around.world().nodes.get(id);
    if (!node) return;
    const bits = presenceBits(before, after);
    const routing = before.online !== after.online || before.hostinfo.RoutableIPs !== after.hostinfo.RoutableIPs;
    if (bits !== 0) this.records.invalidate(id);
    if (routing || !sameAttributes(before.hostinfo, after.hostinfo)) {
      const moved = this.routers.update(id, node, after, this.#isOnline);
      this.#updatePolicy(this.#nodeChange([{ before: node, after: node }], moved));
    }
    if (before.hostinfo.ShieldsUp !== after.hostinfo.ShieldsUp) this.sessions.of(id)?.touchSelf(touchSelf.filters);
    this.#touchViewers(id, bits);
  }

  /** A probe found a router alive or dead. */
  setHealth(id: NodeId, healthy: boolean): void {
    const moved = this.routers.setHealth(id, healthy, this.#isOnline);
    if (moved.size > 0) this.#updatePolicy(this.#nodeChange([], moved));
  }

  /** Daemons have agreed on who serves what. */
  adoptPrimaries(roles: Iterable<readonly [Prefix, NodeId | undefined]>): void {
    const moved = this.routers.adopt(roles, this.#isOnline);
    if (moved.size > 0) this.#updatePolicy(this.#nodeChange([], moved));
  }

  /** The moment of a node's key expiry has passed. */
  keyExpired(id: NodeId): void {
    this.records.invalidate(id);
    this.sessions.of(id)?.touchSelf(touchSelf.record);
    this.#touchViewers(id, touch.record);
  }
}
