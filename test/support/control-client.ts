import { randomBytes } from "node:crypto";
import type { EarlyPayload } from "@headscale/noise";
import type { Hostinfo, MapResponse, RegisterResponse } from "@headscale/tailcfg";
import { formatGoTime, goZeroTime } from "@headscale/tailcfg/codec";
import { DiscoKey, NLKey, NodeKey, PrivateKey } from "@headscale/tailcfg/keys";
import { type C2NHandler, PingAnswers } from "./control/answer-ping.ts";
import { wholeBody } from "./control/body-chunks.ts";
import { ClientFailure } from "./control/client-failure.ts";
import { currentVersion } from "./control/client-netmap.ts";
import type { ControlServer } from "./control/control-server.ts";
import { FollowedMap, type FollowOptions } from "./control/followed-map.ts";
import { MapStream } from "./control/map-stream.ts";
import { maxAnswerBytes, type NoiseAnswer, type NoiseRequest, NoiseRequests } from "./control/noise-requests.ts";
import { defaultC2N } from "./control/raw-http.ts";

export interface ControlClientOptions {
  readonly server: ControlServer;
  /** Capability version claimed, and the one whose behaviour is imitated. */
  readonly version?: number;
  readonly machineKey?: PrivateKey;
  readonly nodeKey?: NodeKey;
  readonly discoKey?: DiscoKey;
  readonly hostinfo?: Hostinfo;
  /** Connects like a client in a browser. */
  readonly websocket?: boolean;
  readonly c2n?: C2NHandler;
}

export interface RegisterOptions {
  readonly authKey?: string;
  /** The AuthURL to wait on. */
  readonly followup?: string;
  /** ms since the epoch: past = log out, future = shorten. */
  readonly expiryMs?: number;
  readonly oldNodeKey?: NodeKey;
  readonly ephemeral?: boolean;
  readonly signal?: AbortSignal;
}

/** What a lite update tells; what is left out keeps its last value. */
export interface LiteUpdate {
  readonly hostinfo?: Hostinfo;
  readonly endpoints?: readonly string[];
  readonly discoKey?: DiscoKey;
}

/**
 * A Tailscale client without data plane, for tests and load: speaks the control protocol from the upgrade on, believes
 * what a real client believes and complains where one would. Thousands fit into one process.
 */
export class ControlClient implements AsyncDisposable {
  readonly version: number;
  readonly machineKey: PrivateKey;
  readonly pings: PingAnswers;
  nodeKey: NodeKey;
  oldNodeKey: NodeKey = NodeKey.zero;
  discoKey: DiscoKey;
  hostinfo: Hostinfo;
  endpoints: readonly string[] = [];
  readonly #requests: NoiseRequests;

  constructor(options: ControlClientOptions) {
    this.version = options.version ?? currentVersion;
    this.machineKey = options.machineKey ?? new PrivateKey(randomBytes(32));
    this.nodeKey = options.nodeKey ?? NodeKey.fromBytes(randomBytes(32));
    this.discoKey = options.discoKey ?? DiscoKey.fromBytes(randomBytes(32));
    this.hostinfo = { BackendLogID: "test", OS: "linux", Hostname: "test", ...options.hostinfo };
    const caller = { machineKey: this.machineKey, version: this.version };
    this.#requests = new NoiseRequests(options.server, caller, options.websocket ?? false);
    this.pings = new PingAnswers(this.#requests, options.server, options.c2n ?? defaultC2N);
  }

  /** What the server said before HTTP/2 started. */
  earlyPayload(): Promise<EarlyPayload | undefined> {
    return this.#requests.early();
  }

  /** Any request inside Noise. */
  request(request: NoiseRequest): Promise<NoiseAnswer> {
    return this.#requests.send(request);
  }

  /** @throws {ClientFailure} `status` unless the server answers 200 */
  async register(options: RegisterOptions = {}): Promise<RegisterResponse> {
    const { status, body } = await this.#requests.send({
      method: "POST",
      path: "/machine/register",
      loadBalancing: this.nodeKey,
      ...(options.signal && { signal: options.signal }),
      body: {
        Version: this.version,
        NodeKey: this.nodeKey,
        OldNodeKey: options.oldNodeKey ?? this.oldNodeKey,
        NLKey: NLKey.zero,
        ...(options.authKey !== undefined && { Auth: { AuthKey: options.authKey } }),
        Expiry: options.expiryMs === undefined ? goZeroTime : formatGoTime(options.expiryMs),
        Followup: options.followup ?? "",
        Hostinfo: this.hostinfo,
        NodeKeySignature: null,
        ...(options.ephemeral && { Ephemeral: true }),
      },
    });
    if (status !== 200) throw failed("register", status, body);
    return JSON.parse(body.toString()) as RegisterResponse;
  }

  /** Takes a new node key, as clients do when theirs has expired; the old one goes along in later registrations. */
  rotateNodeKey(): void {
    this.oldNodeKey = this.nodeKey;
    this.nodeKey = NodeKey.fromBytes(randomBytes(32));
  }

  /** Logs out. */
  logout(): Promise<RegisterResponse> {
    return this.register({ expiryMs: 123_000 });
  }

  /** Tells the server what changed, without asking for a map. */
  async liteUpdate(update: LiteUpdate = {}): Promise<void> {
    this.hostinfo = update.hostinfo ?? this.hostinfo;
    this.endpoints = update.endpoints ?? this.endpoints;
    this.discoKey = update.discoKey ?? this.discoKey;
    const { status, body } = await this.#requests.send(this.#mapRequest({ OmitPeers: true }));
    if (status !== 200) throw failed("map", status, body);
  }

  /** Opens the long poll. Read it through one of the stream's methods. */
  openMap(signal?: AbortSignal): Promise<MapStream> {
    return this.#openMap({ Stream: true }, signal);
  }

  /** Messages of a long poll; pings in them are answered. Ending the loop ends the poll. */
  async *map(signal?: AbortSignal): AsyncGenerator<MapResponse, void, void> {
    await using stream = await this.openMap(signal);
    for await (const message of stream.messages()) {
      if (message.PingRequest) void this.pings.answer(message.PingRequest);
      yield message;
    }
  }

  /** Follows a long poll in the background; pings are answered. */
  async follow(options: Partial<FollowOptions> = {}): Promise<FollowedMap> {
    return new FollowedMap(await this.openMap(), {
      version: options.version ?? this.version,
      onMessage: (message) => {
        if (message.PingRequest) void this.pings.answer(message.PingRequest);
        options.onMessage?.(message);
      },
    });
  }

  /** One whole map, without a stream and without side effects. */
  async fetchMap(): Promise<MapResponse> {
    await using stream = await this.#openMap({ ReadOnly: true });
    for await (const message of stream.messages()) return message;
    throw new ClientFailure("unexpected-eof", "the server sent no map");
  }

  /** Cuts the connection without a word; the next request dials anew. */
  drop(): Promise<void> {
    return this.#requests.drop();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.drop();
  }

  async #openMap(kind: MapKind, signal?: AbortSignal): Promise<MapStream> {
    const request = { ...this.#mapRequest(kind), ...(signal && { signal }) };
    const { status, stream } = await this.#requests.open(request);
    if (status === 200) return new MapStream(stream);
    throw failed("map", status, await wholeBody(stream, maxAnswerBytes));
  }

  #mapRequest(kind: MapKind): NoiseRequest {
    return {
      method: "POST",
      path: "/machine/map",
      loadBalancing: this.nodeKey,
      body: {
        Version: this.version,
        Compress: "zstd",
        KeepAlive: true,
        NodeKey: this.nodeKey,
        DiscoKey: this.discoKey,
        Hostinfo: this.hostinfo,
        ...(this.endpoints.length > 0 && { Endpoints: this.endpoints, EndpointTypes: this.endpoints.map(() => 1) }),
        ...kind,
      },
    };
  }
}

interface MapKind {
  readonly Stream?: boolean;
  readonly OmitPeers?: boolean;
  readonly ReadOnly?: boolean;
}

function failed(what: string, status: number, body: Buffer): ClientFailure {
  return new ClientFailure("status", `${what} answered ${status}: ${body.toString().slice(0, 200)}`, { status });
}
