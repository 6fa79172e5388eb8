import { fc } from "@fast-check/vitest";
import { parsePrefix } from "@headscale/netip";
import { parsePolicy } from "@headscale/policy";
import { Live } from "@headscale/server/live";
import type { MapRequest, MapResponse } from "@headscale/tailcfg";
import { DiscoKey, MachineKey, NodeKey } from "@headscale/tailcfg/keys";
import {
  defaultTailnetId,
  emptyWorld,
  type Node,
  type NodeId,
  nodesOf,
  parseAuthRequestId,
  TailnetError,
  usersOf,
} from "@headscale/tailnet";
import {
  createAuthKey,
  createUser,
  deleteNode,
  disableExpiry,
  expireNode,
  register,
  renameNode,
  renameUser,
  setApprovedRoutes,
  setTags,
} from "@headscale/tailnet/commands";
import { firstMessage, netmapFor } from "@headscale/tailnet/netmap";
import { expect } from "vitest";
import { ClientNetmap } from "./control/client-netmap.ts";
import { unzstd } from "./control/zstd-frames.ts";

/** Policies that open, close and steer; undefined is "none was ever set". */
export const policies = [
  undefined,
  `{"acls": []}`,
  `{"tagOwners": {"tag:a": [], "tag:b": []}, "acls": [{"action": "accept", "src": ["*"], "dst": ["*:*"]}]}`,
  `{"tagOwners": {"tag:a": [], "tag:b": []}, "acls": [{"action": "accept", "src": ["autogroup:member"], "dst": ["autogroup:self:*"]}]}`,
  `{"tagOwners": {"tag:a": [], "tag:b": []}, "grants": [{"src": ["u0@"], "dst": ["tag:a", "10.0.0.0/24"], "ip": ["tcp:22"]}],
    "ssh": [{"action": "accept", "src": ["autogroup:member"], "dst": ["tag:a"], "users": ["root"]}],
    "nodeAttrs": [{"target": ["tag:b"], "attr": ["randomize-client-port"]}]}`,
] as const;

const routeSets = [[], ["10.0.0.0/24"], ["10.0.0.0/24", "10.1.0.0/16"], ["0.0.0.0/0", "::/0"]] as const;

const key = (n: number) => new Uint8Array(32).fill(0).map((_, i) => (i < 4 ? (n >> (8 * i)) & 255 : 7));
const machineKey = (n: number) => MachineKey.fromBytes(key(n));
const nodeKey = (n: number) => NodeKey.fromBytes(key(n));
const discoKey = (n: number) => DiscoKey.fromBytes(key(n));

/** One thing that may happen; numbers are taken modulo what there is. */
export const step = fc.oneof(
  fc.record({ kind: fc.constant("join"), user: fc.nat(2), ephemeral: fc.boolean() }),
  fc.record({ kind: fc.constant("reauth"), node: fc.nat(50) }),
  fc.record({ kind: fc.constant("delete"), node: fc.nat(50) }),
  fc.record({ kind: fc.constant("rename"), node: fc.nat(50), name: fc.constantFrom("web", "db", "box", "x-1") }),
  fc.record({ kind: fc.constant("expire"), node: fc.nat(50) }),
  fc.record({ kind: fc.constant("expire-later"), node: fc.nat(50) }),
  fc.record({ kind: fc.constant("never-expire"), node: fc.nat(50) }),
  fc.record({ kind: fc.constant("tag"), node: fc.nat(50), tag: fc.constantFrom("tag:a", "tag:b") }),
  fc.record({ kind: fc.constant("approve"), node: fc.nat(50), routes: fc.constantFrom(...routeSets) }),
  fc.record({
    kind: fc.constant("report"),
    node: fc.nat(50),
    endpoints: fc.constantFrom([], ["1.2.3.4:1"], ["1.2.3.4:1", "5.6.7.8:2"]),
    derp: fc.constantFrom(1, 2, 999),
    disco: fc.nat(3),
    routes: fc.constantFrom(...routeSets),
    os: fc.constantFrom("linux", "macOS"),
    hostname: fc.constantFrom("alpha", "beta"),
    shields: fc.boolean(),
  }),
  fc.record({ kind: fc.constant("rename-user"), user: fc.nat(2), suffix: fc.constantFrom("x", "y") }),
  fc.record({ kind: fc.constant("policy"), policy: fc.constantFrom(...policies) }),
  fc.record({ kind: fc.constant("watch"), node: fc.nat(50) }),
  fc.record({ kind: fc.constant("drop"), node: fc.nat(50) }),
  fc.record({ kind: fc.constant("wait"), ms: fc.constantFrom(1_000, 3_600_000) }),
  fc.record({ kind: fc.constant("read") }),
);

/** A step with the fields of whichever kind it is. */
export interface Step {
  readonly kind: string;
  readonly node: number;
  readonly user: number;
  readonly name: string;
  readonly tag: string;
  readonly suffix: string;
  readonly policy: string | undefined;
  readonly ms: number;
  readonly endpoints: readonly string[];
  readonly derp: number;
  readonly disco: number;
  readonly routes: readonly string[];
  readonly os: string;
  readonly hostname: string;
  readonly shields: boolean;
}

/** A session that is read only when somebody asks, like a slow client. */
export class Viewer {
  readonly netmap = new ClientNetmap();
  readonly #frames: AsyncGenerator<readonly Uint8Array[]>;
  readonly #abort = new AbortController();
  readonly #onMessage: (message: MapResponse) => void;
  ended = false;

  constructor(live: Live, node: Node, onMessage: (message: MapResponse) => void) {
    this.#onMessage = onMessage;
    const session = live.connect(node);
    this.#frames = session.frames(this.#abort.signal);
    this.close = async () => {
      this.#abort.abort();
      await this.#frames.return(undefined);
      live.disconnect(node.tailnet, session);
    };
  }

  readonly close: () => Promise<void>;

  /** Reads until a keep-alive says that there is nothing more to say. */
  async read(now: number): Promise<void> {
    while (!this.ended) {
      const { value, done } = await this.#frames.next();
      if (done) {
        this.ended = true;
        return;
      }
      const frame = Buffer.concat(value);
      expect(frame.readUInt32LE(0)).toBe(frame.length - 4);
      const message = JSON.parse(unzstd(frame.subarray(4)).bytes.toString()) as MapResponse;
      if (message.KeepAlive) return;
      this.#onMessage(message);
      this.netmap.apply(message, now);
    }
  }
}

export class Scene {
  readonly live: Live;
  readonly viewers = new Map<NodeId, Viewer>();
  keys = 1;
  readonly #hashed: { prefix: string; hash: string }[] = [];

  private constructor(live: Live, clock: { now: number }, failures: Error[]) {
    this.live = live;
    this.failures = failures;
    this.#clock = clock;
  }

  readonly #clock: { now: number };

  /** The policy in force, as text. */
  policy: string | undefined;
  /** Told every message that a viewer reads, at the moment it was made. */
  onMessage: (viewer: NodeId, message: MapResponse) => void = () => undefined;

  /** What went wrong behind the scenes. */
  readonly failures: Error[];

  static async open(): Promise<Scene> {
    const failures: Error[] = [];
    const clock = { now: Date.UTC(2026, 0, 1) };
    const live = await Live.start({
      store: { commit: () => Promise.resolve(), writePresence: () => Promise.resolve() },
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
      timing: { keepAliveMs: () => 0, coalesceMs: 0 },
      limits: {
        maxWaitingCommands: 1000,
        offlineGraceMs: 10_000,
        ephemeralInactivityMs: 1e9,
        presenceFlushMs: 1e9,
        feedBacklog: 4096,
      },
      policyOf: () => undefined,
      derpMap: { Regions: {} },
      dns: () => ({ Proxied: true }),
      now: () => clock.now,
      random: () => 0.5,
      onError: (what, error) => {
        failures.push(new Error(what, { cause: error }));
      },
    });
    const scene = new Scene(live, clock, failures);
    for (const name of ["u0", "u1", "u2"]) {
      const user = await live.execute(createUser({ tailnet: defaultTailnetId, name }), "test");
      const secret = { prefix: `key${user.id}`, hash: "h" };
      scene.#hashed.push(secret);
      const wanted = {
        ...secret,
        tailnet: defaultTailnetId,
        userId: user.id,
        reusable: true,
        ephemeral: false,
        tags: [],
      };
      await live.execute(createAuthKey(wanted), "test");
    }
    return scene;
  }

  nodes(): readonly Node[] {
    return nodesOf(this.live.world, defaultTailnetId);
  }

  pick(n: number): Node | undefined {
    const nodes = this.nodes();
    return nodes[n % Math.max(1, nodes.length)];
  }

  async register(n: number, key: number, user: number, hostname: string): Promise<void> {
    const who = {
      machineKey: machineKey(n),
      nodeKey: nodeKey(key),
      hostinfo: { Hostname: hostname, OS: "linux" },
      ephemeral: false,
      authKey: this.#hashed[user] ?? ("malformed" as const),
    };
    const outcome = await this.live.execute(
      register(who, parseAuthRequestId(`hskey-authreq-${"0".repeat(24)}`)),
      "test",
    );
    if (outcome.kind === "authorized") await this.live.noteHostinfo(outcome.node, who.hostinfo, 145);
  }

  /** Refusals are part of life: what is refused changes nothing. */
  async run(command: Parameters<Live["execute"]>[0]): Promise<void> {
    try {
      await this.live.execute(command, "test");
    } catch (error) {
      if (!(error instanceof TailnetError)) throw error;
    }
  }

  async take(step: Step): Promise<void> {
    const { live } = this;
    const node = this.pick(step.node ?? 0);
    const user = usersOf(live.world, defaultTailnetId)[step.user ?? 0];
    const anytime: Record<string, () => unknown> = {
      join: () => this.register(this.keys, this.keys++, step.user, `host${this.keys}`),
      policy: () => {
        this.policy = step.policy;
        live.setPolicyDocument(defaultTailnetId, step.policy ? parsePolicy(step.policy) : undefined);
      },
      wait: () => this.wait(step.ms),
      "rename-user": () => user && this.run(renameUser(user.id, `u${step.user}${step.suffix}`)),
      read: () => this.readAll(),
    };
    await anytime[step.kind]?.();
    if (node) await this.#takeWith(node, step);
  }

  async #takeWith(node: Node, step: Step): Promise<void> {
    const { live } = this;
    const acts: Record<string, () => Promise<void>> = {
      reauth: () => this.reauth(node),
      delete: () => this.run(deleteNode(node.id)),
      rename: () => this.run(renameNode(node.id, step.name)),
      expire: () => this.run(expireNode(node.id, undefined)),
      "expire-later": () => this.run(expireNode(node.id, this.#clock.now + 1_800_000)),
      "never-expire": () => this.run(disableExpiry(node.id)),
      tag: () => this.run(setTags(node.id, [step.tag])),
      approve: () =>
        this.run(
          setApprovedRoutes(
            node.id,
            step.routes.map((text) => parsePrefix(text)),
          ),
        ),
      report: () => live.report(node, reportOf(node, step)),
      watch: async () => {
        await this.viewers.get(node.id)?.close();
        this.viewers.set(node.id, new Viewer(live, node, (message) => this.onMessage(node.id, message)));
      },
      drop: async () => {
        await this.viewers.get(node.id)?.close();
        this.viewers.delete(node.id);
      },
    };
    await acts[step.kind]?.();
  }

  /** Lets time pass; keys whose moment comes expire. */
  wait(ms: number): void {
    this.#clock.now += ms;
    for (const { id, expiry } of this.nodes()) {
      if (expiry !== undefined && expiry <= this.#clock.now) this.live.tailnet(defaultTailnetId).keyExpired(id);
    }
  }

  async reauth(node: Node): Promise<void> {
    const user = node.owner.kind === "user" ? node.owner.userId - 1 : 0;
    const who = {
      machineKey: node.machineKey,
      nodeKey: nodeKey(100_000 + this.keys++),
      hostinfo: { Hostname: node.hostname },
      ephemeral: false,
      authKey: this.#hashed[user] ?? ("malformed" as const),
    };
    await this.live.execute(register(who, parseAuthRequestId(`hskey-authreq-${"1".repeat(24)}`)), "test");
  }

  /** Every reader catches up; then all know exactly what the slow oracle says. */
  async readAll(): Promise<void> {
    expect(this.failures).toEqual([]);
    for (const [id, viewer] of this.viewers) {
      await viewer.read(this.#clock.now);
      const node = this.live.world.nodes.get(id);
      if (!node) {
        expect(viewer.netmap.self === undefined || viewer.netmap.self.Expired).toBe(true);
        this.viewers.delete(id);
        continue;
      }
      const view = this.live.tailnet(defaultTailnetId).view();
      const oracle = new ClientNetmap();
      oracle.apply(firstMessage(view, netmapFor(view, node)), this.#clock.now);
      expect(comparable(viewer.netmap)).toEqual(comparable(oracle));
    }
  }
}

function reportOf(node: Node, act: Step): MapRequest {
  return {
    Version: 145,
    NodeKey: node.nodeKey,
    DiscoKey: discoKey(act.disco + 1),
    Stream: false,
    OmitPeers: true,
    ReadOnly: false,
    Endpoints: act.endpoints,
    Hostinfo: {
      Hostname: act.hostname,
      OS: act.os,
      RoutableIPs: act.routes,
      ShieldsUp: act.shields,
      NetInfo: { PreferredDERP: act.derp },
    },
  };
}

/** LastSeen of a peer that is online again is what it was when it left: clients keep it and look at Online first. */
function comparable(netmap: ClientNetmap) {
  const snapshot = netmap.snapshot();
  const peers = snapshot.peers.map(({ LastSeen, ...peer }) => (peer.Online ? peer : { ...peer, LastSeen }));
  return { ...snapshot, peers, self: { ...snapshot.self, LastSeen: undefined } };
}
