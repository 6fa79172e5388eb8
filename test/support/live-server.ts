import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { parsePrefix } from "@headscale/netip";
import { publicMachineKey } from "@headscale/noise";
import { parsePolicy } from "@headscale/policy";
import { Control, type ControlOptions } from "@headscale/server/control";
import { createHttp2 } from "@headscale/server/edge/http2";
import { defaultLimits } from "@headscale/server/edge/limits";
import { Live } from "@headscale/server/live";
import { openSqliteStore, type Store } from "@headscale/store";
import { PrivateKey } from "@headscale/tailcfg/keys";
import { defaultTailnetId, type Node, type User, type UserId, worldFromRows } from "@headscale/tailnet";
import { createAuthKey, createUser } from "@headscale/tailnet/commands";
import { ControlServer } from "./control/control-server.ts";
import { ControlClient, type ControlClientOptions } from "./control-client.ts";

type LiveOptions = Parameters<typeof Live.start>[0];

export interface LiveServerOptions {
  readonly live?: Partial<LiveOptions>;
  readonly control?: Partial<ControlOptions>;
  /** HuJSON; everything is allowed when absent. */
  readonly policy?: string;
}

interface KeyTerms {
  readonly user: User;
  readonly reusable?: boolean;
  readonly ephemeral?: boolean;
  readonly tags?: readonly string[];
  readonly expiresAt?: number;
}

/** What the server told its log. */
interface Heard {
  readonly registrations: string[];
  readonly streams: string[];
  readonly sent: string[];
  readonly refused: string[];
  readonly audits: string[];
  readonly failures: string[];
  readonly offences: string[];
}

/** The live state and the control protocol alone, over the loopback and a database in memory: no edge, no admin API. */
export class LiveServer implements AsyncDisposable {
  readonly live: Live;
  readonly control: Control;
  readonly server: ControlServer;
  readonly url: string;
  readonly heard: Heard;
  readonly #http: http.Server;
  readonly #store: Store;
  readonly #clients: ControlClient[] = [];

  private constructor(
    parts: Pick<LiveServer, "live" | "control" | "url" | "heard">,
    server: http.Server,
    store: Store,
  ) {
    this.live = parts.live;
    this.control = parts.control;
    this.url = parts.url;
    this.heard = parts.heard;
    this.server = ControlServer.at(parts.url);
    this.#http = server;
    this.#store = store;
  }

  static async start(options: LiveServerOptions = {}): Promise<LiveServer> {
    const heard: Heard = {
      registrations: [],
      streams: [],
      sent: [],
      refused: [],
      audits: [],
      failures: [],
      offences: [],
    };
    const staticKey = new PrivateKey(randomBytes(32));
    const server = http.createServer((_request, response) => {
      response.end(JSON.stringify({ publicKey: publicMachineKey(staticKey) }));
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const store = await openSqliteStore({ path: ":memory:" });
    const live = await startLive(store, url, heard, options);
    const control = new Control({ ...controlDefaults(live, staticKey, url, heard), ...options.control });
    server.on("upgrade", (request, socket, head) => control.upgrade(request, socket, head));
    return new LiveServer({ live, control, url, heard }, server, store);
  }

  user(name: string): Promise<User> {
    return this.live.execute(createUser({ tailnet: defaultTailnetId, name }), "test");
  }

  /** The text of a fresh pre-auth key. */
  async authKey({ user, reusable = false, ephemeral = false, tags = [], expiresAt }: KeyTerms): Promise<string> {
    const [prefix, secret] = [randomBytes(6).toString("hex"), randomBytes(32).toString("hex")];
    const hash = createHash("sha256").update(secret).digest("hex");
    const terms = { tailnet: user.tailnet, userId: user.id as UserId, reusable, ephemeral, tags };
    await this.live.execute(
      createAuthKey({ prefix, hash, ...terms, ...(expiresAt !== undefined && { expiresAt }) }),
      "test",
    );
    return `hskey-auth-${prefix}-${secret}`;
  }

  /** A device, not yet registered; it is cut off when the server goes. */
  client(options: Omit<ControlClientOptions, "server"> = {}): ControlClient {
    const client = new ControlClient({ server: this.server, ...options });
    this.#clients.push(client);
    return client;
  }

  /** A device that is a node of `user`. */
  async joined(
    user: User,
    hostname: string,
    options: Omit<ControlClientOptions, "server"> = {},
  ): Promise<ControlClient> {
    const client = this.client({ ...options, hostinfo: { Hostname: hostname, ...options.hostinfo } });
    const { Error: refusal } = await client.register({ authKey: await this.authKey({ user }) });
    if (refusal) throw new Error(`refused: ${refusal}`);
    return client;
  }

  /** The row behind a client. */
  nodeOf({ nodeKey }: ControlClient): Node {
    const id = this.live.world.index.nodeByNodeKey.get(nodeKey);
    const node = id === undefined ? undefined : this.live.world.nodes.get(id);
    if (!node) throw new Error("the client is no node");
    return node;
  }

  setPolicy(text: string): void {
    this.live.setPolicyDocument(defaultTailnetId, parsePolicy(text));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled(this.#clients.map((client) => client.drop()));
    this.control.destroy();
    this.#http.closeAllConnections();
    this.#http.close();
    await this.live[Symbol.asyncDispose]();
    await this.#store[Symbol.asyncDispose]();
  }
}

async function startLive(store: Store, url: string, heard: Heard, { live, policy }: LiveServerOptions): Promise<Live> {
  const stored = await store.load();
  const document = policy === undefined ? undefined : parsePolicy(policy);
  return Live.start({
    store,
    world: worldFromRows(stored),
    presence: stored.presence,
    catchUp: (world) => store.changesSince(new Map(world.revisions)),
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
    policySettings: { serverUrl: url },
    timing: { keepAliveMs: () => 50_000, coalesceMs: 0 },
    limits: {
      maxWaitingCommands: 10_000,
      offlineGraceMs: 50,
      ephemeralInactivityMs: 60_000,
      presenceFlushMs: 1000,
      feedBacklog: 4096,
    },
    policyOf: () => document,
    derpMap: { Regions: {} },
    dns: () => ({ Proxied: true }),
    onError: (what, error) => heard.failures.push(`${what}: ${String(error)}`),
    ...live,
  });
}

const unlimited = { burst: 1_000_000, perSecond: 1_000_000 };

/** Those of the configuration's defaults that no test needs to be other, and room for tests, whose time is short. */
export const usualLimits: ControlOptions["limits"] = {
  body: { maxBytes: 1 << 20, timeoutMs: 10_000 },
  report: { endpoints: 512, listEntries: 4096, hostinfoBytes: 65_536 },
  sessionsPerMachine: 8,
  loginsPerMinute: 1000,
  loginHoldMs: 600_000,
  sshCheckHoldMs: 300_000,
  retryAfterMs: 10_000,
  questions: 4096,
  webSocketMessageBytes: 16_384,
  hangUpMs: 1_000,
  handshakes: unlimited,
  firstByteMs: 10_000,
  requests: unlimited,
  refusals: 100,
  mapRequests: unlimited,
  heldBodyBytes: 4 << 20,
  mapWriteMs: 60_000,
  streams: 100,
  strangers: { connections: 256, requests: unlimited, streams: 100, bodyBytes: 1 << 20 },
  pingIntervalMs: 30_000,
  pingTimeoutMs: 20_000,
};

function controlDefaults(live: Live, staticKey: PrivateKey, serverUrl: string, heard: Heard): ControlOptions {
  return {
    live,
    staticKey,
    serverUrl,
    limits: usualLimits,
    createServer: (handlers, streams) => createHttp2(handlers, { ...defaultLimits, streams }, handlers.traffic),
    onOffence: ({ key }, code) => heard.offences.push(`${key} ${code}`),
    isShutOut: () => false,
    clientAddress: (request) => request.socket.remoteAddress ?? "",
    addressGroup: (address) => address,
    events: {
      registration: (outcome, _connection, detail) => heard.registrations.push(`${outcome} ${detail}`),
      handshakeRefused: (reason) => heard.refused.push(reason),
      map: {
        opened: (node) => heard.streams.push(`${node.name} opened`),
        ended: (node, reason) => heard.streams.push(`${node.name} ended ${reason}`),
        sent: (type) => heard.sent.push(type),
      },
      nodeAudit: (node, action, details) => heard.audits.push(`${node.name} ${action} ${details}`),
      failed: (path, error) => heard.failures.push(`${path}: ${String(error)}`),
    },
  };
}
