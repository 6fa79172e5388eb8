import { parsePrefix } from "@headscale/netip";
import type { Hostinfo, MapRequest } from "@headscale/tailcfg";
import { MachineKey, NodeKey } from "@headscale/tailcfg/keys";
import {
  type Change,
  defaultTailnetId,
  emptyWorld,
  type Node,
  type NodeId,
  type Presence,
  parseAuthRequestId,
  type User,
} from "@headscale/tailnet";
import { createAuthKey, createUser, register } from "@headscale/tailnet/commands";
import { Live } from "./live.ts";
import type { LiveOptions } from "./live-options.ts";

const bytes = (n: number) => new Uint8Array(32).map((_, i) => (i < 2 ? (n >> (8 * i)) & 255 : 9));

/** A store in memory that fails when it is told to. */
export class MemoryStore {
  readonly changes: Change[] = [];
  readonly presence = new Map<NodeId, Presence>();
  failure: unknown;

  async commit(changes: readonly Change[]): Promise<void> {
    if (this.failure !== undefined) throw this.failure;
    this.changes.push(...changes);
  }

  async writePresence(rows: ReadonlyMap<NodeId, Presence>): Promise<void> {
    if (this.failure !== undefined) throw this.failure;
    for (const [id, row] of rows) this.presence.set(id, row);
  }
}

/** The running state over a store in memory, with a clock that tests turn. */
export class LiveLab implements AsyncDisposable {
  readonly live: Live;
  readonly store: MemoryStore;
  readonly clock: { now: number };
  /** What went wrong in the background. */
  readonly errors: string[];
  #joined = 0;

  private constructor(live: Live, store: MemoryStore, clock: { now: number }, errors: string[]) {
    this.live = live;
    this.store = store;
    this.clock = clock;
    this.errors = errors;
  }

  static async open(over: Partial<LiveOptions> = {}): Promise<LiveLab> {
    const store = new MemoryStore();
    const clock = { now: Date.UTC(2026, 0, 1) };
    const errors: string[] = [];
    const live = await Live.start({
      store,
      world: emptyWorld,
      presence: [],
      catchUp: () => Promise.resolve([]),
      settings: {
        prefixes: { v4: parsePrefix("100.64.0.0/10"), v6: parsePrefix("fd7a:115c:a1e0::/48") },
        allocation: "sequential",
        nodeExpiryMs: 0,
        baseDomain: "example.test",
        authRequestTtlMs: 900_000,
        maxAuthRequests: 100,
        maxSshChecks: 100,
        maxSshChecksPerNode: 64,
      },
      netmap: { baseDomain: "example.test", selfCapabilities: {}, logtail: false },
      policySettings: { serverUrl: "https://control.test" },
      timing: { keepAliveMs: () => 60_000, coalesceMs: 0 },
      limits: {
        maxWaitingCommands: 1000,
        offlineGraceMs: 10_000,
        ephemeralInactivityMs: 60_000,
        presenceFlushMs: 1e9,
        feedBacklog: 4096,
      },
      policyOf: () => undefined,
      derpMap: { Regions: {} },
      dns: () => ({ Proxied: true }),
      now: () => clock.now,
      random: () => 0.5,
      onError: (what) => errors.push(what),
      ...over,
    });
    return new LiveLab(live, store, clock, errors);
  }

  user(name: string): Promise<User> {
    return this.live.execute(createUser({ tailnet: defaultTailnetId, name }), "test");
  }

  /** A machine of its own joins as a node of `user`. */
  async join(user: User, hostinfo: Hostinfo = { Hostname: "host" }, ephemeral = false): Promise<Node> {
    const n = ++this.#joined;
    const secret = { prefix: `join${n}`, hash: "h" };
    const terms = { reusable: false, ephemeral, tags: [] };
    await this.live.execute(createAuthKey({ ...secret, ...terms, tailnet: user.tailnet, userId: user.id }), "test");
    const who = { machineKey: MachineKey.fromBytes(bytes(n)), nodeKey: NodeKey.fromBytes(bytes(n)) };
    const asked = { ...who, hostinfo, ephemeral, authKey: secret };
    const authId = parseAuthRequestId(`hskey-authreq-${"0".repeat(24)}`);
    const outcome = await this.live.execute(register(asked, authId), "test");
    if (outcome.kind !== "authorized") throw new Error(`expected a node, got ${outcome.kind}`);
    return outcome.node;
  }

  /** A lite update of a node. */
  report(node: Node, hostinfo: Hostinfo, over: Partial<MapRequest> = {}): Promise<void> {
    const request = { Version: 142, NodeKey: node.nodeKey, Stream: false, OmitPeers: true, ReadOnly: false };
    return this.live.report(node, { ...request, Hostinfo: hostinfo, ...over });
  }

  /** The node's row as it is now. */
  node(id: number): Node | undefined {
    return this.live.world.nodes.get(id as NodeId);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.live[Symbol.asyncDispose]();
  }
}
