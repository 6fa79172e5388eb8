import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { NodeKey, type PrivateKey } from "@headscale/tailcfg/keys";
import type { WebSocket, WebSocketServer } from "ws";
import { Admission } from "#admission/admission.ts";
import type { NodeVerifier } from "#admission/node-verifier.ts";
import { BoxIdentity } from "#box/nacl-box.ts";
import { DerpError } from "#derp-error.ts";
import { frameOf } from "#frame/frame-bytes.ts";
import { rawKeyAt, rawKeyBytes, rawKeyOf } from "#frame/raw-key.ts";
import type { MeshKey } from "#login/mesh-key.ts";
import { FrameType, IDEAL_NODE_HEADER, WEBSOCKET_PROTOCOL } from "#protocol.ts";
import { answerPings } from "./answer-pings.ts";
import { RelayCounters } from "./counters.ts";
import { readHandshake, refusal, switchingProtocols } from "./handshake.ts";
import { DEFAULT_LIMITS, type RateLimit, type RelayLimits } from "./limits.ts";
import type { Forwarder } from "./peer.ts";
import { Session, type SessionContext } from "./session.ts";
import { SlabPool } from "./slab.ts";
import { type Source, socketTransport } from "./socket-transport.ts";
import { type RelayStats, relayStats } from "./stats.ts";
import { Switchboard } from "./switchboard.ts";
import type { Transport } from "./transport.ts";
import { Turn } from "./turn.ts";
import { webSocketServer, webSocketTransport } from "./websocket-transport.ts";

const POLICY_VIOLATION = 1008;
const TRY_AGAIN_LATER = 1013;
const NOTHING = Buffer.alloc(0);

/** What happened to a client. `key` is missing if it never proved one. */
export interface RelayEvent {
  readonly kind: "login" | "end";
  readonly key?: NodeKey;
  readonly sourceAddress: string;
  /** Why it ended. */
  readonly error?: DerpError;
}

export interface RelayOptions {
  readonly privateKey: PrivateKey;
  readonly verifier: NodeVerifier;
  /** Shared by the relays of the region; without it nobody may watch, forward or close. */
  readonly meshKey?: MeshKey;
  readonly limits?: Partial<RelayLimits>;
  /** Milliseconds that never go back. */
  readonly now?: () => number;
  /** Must not throw. */
  readonly onEvent?: (event: RelayEvent) => void;
}

/** A DERP relay, without a listener of its own. */
export interface Relay extends AsyncDisposable {
  /** `nodekey:` form of the relay's public key. */
  readonly publicKey: NodeKey;
  /**
   * Serves an `upgrade` event of a `GET /derp`, raw or WebSocket. What is no DERP upgrade is answered 426 or 400 and closed.
   * `source` replaces the socket's own address, behind a proxy.
   */
  accept(request: IncomingMessage, socket: Duplex, head: Buffer, source?: Source): void;
  /** Serves a WebSocket that was accepted elsewhere. */
  acceptWebSocket(socket: WebSocket, source: Source, isNotIdeal?: boolean): void;
  /** Closes all connections of a key, logins under way included, and returns how many. */
  disconnect(nodeKey: NodeKey): number;
  /** Forgets that a node was refused lately, because it may enter now. */
  readmit(nodeKey: NodeKey): void;
  isConnected(nodeKey: NodeKey): boolean;
  /** Tells every client that the relay is about to restart: when to come back, and how long to try. Milliseconds. */
  notifyRestarting(reconnectInMs: number, tryForMs: number): void;
  /** Tells every client, now and later, that something is wrong; empty takes it back. Clients show the text to their user. */
  notifyHealth(text: string): void;
  /** For clients connected and to come; `undefined` lifts the limit. Clients already connected are not told. */
  setRateLimit(limit: RateLimit | undefined): void;
  addForwarder(nodeKey: NodeKey, forwarder: Forwarder): void;
  removeForwarder(nodeKey: NodeKey, forwarder: Forwarder): void;
  stats(): RelayStats;
  /** Refuses newcomers, closes all connections, and resolves when they are closed. */
  close(): Promise<void>;
}

export function createRelay(options: RelayOptions): Relay {
  return new SocketRelay(options);
}

class SocketRelay implements Relay {
  readonly publicKey: NodeKey;
  readonly #context: SessionContext;
  #limits: RelayLimits;
  readonly #sessions = new Set<Session>();
  readonly #perAddress = new Map<string, number>();
  #pendingLogins = 0;
  readonly #pendingPerAddress = new Map<string, number>();
  #health = "";
  #closing: PromiseWithResolvers<void> | undefined;
  readonly #onEvent: (event: RelayEvent) => void;
  readonly #webSockets: WebSocketServer;

  constructor({ privateKey, verifier, meshKey, limits, now = () => performance.now(), onEvent }: RelayOptions) {
    const identity = new BoxIdentity(privateKey);
    const relay = this;
    this.publicKey = NodeKey.fromBytes(identity.publicKey);
    this.#limits = { ...DEFAULT_LIMITS, ...limits };
    this.#onEvent = onEvent ?? (() => {});
    this.#webSockets = webSocketServer(this.#limits.hangUpMs);
    this.#context = {
      identity,
      meshKey,
      admission: new Admission(verifier, this.#limits, now),
      switchboard: new Switchboard(rawKeyAt(identity.publicKey, 0)),
      counters: new RelayCounters(),
      turn: new Turn(),
      slabs: new SlabPool(),
      now,
      get limits() {
        return relay.#limits;
      },
      health: () => this.#health,
      onLogin: (session) => this.#onLogin(session),
      onEnd: (session, error) => this.#onEnd(session, error),
    };
  }

  accept(request: IncomingMessage, socket: Duplex, head: Buffer, source?: Source): void {
    const handshake = readHandshake(request.headers);
    if (handshake.kind === "refuse") this.#hangUp(socket, refusal(handshake.status, handshake.text));
    else if (this.#isFull(source?.address ?? request.socket.remoteAddress ?? ""))
      this.#hangUp(socket, refusal(503, "try another relay"));
    else if (handshake.kind === "websocket") this.#upgradeWebSocket(request, socket, head, source);
    else {
      const preamble = handshake.fastStart ? NOTHING : switchingProtocols(this.#context.identity.publicKey);
      if (handshake.fastStart) this.#context.counters.fastStarts += 1;
      this.#start(socketTransport(socket, this.#limits.tcpKeepAliveMs, source), preamble, head, isNotIdeal(request));
    }
  }

  acceptWebSocket(socket: WebSocket, source: Source, notIdeal = false): void {
    if (socket.protocol !== WEBSOCKET_PROTOCOL) {
      socket.close(POLICY_VIOLATION, `speak the ${WEBSOCKET_PROTOCOL} subprotocol`);
    } else if (this.#isFull(source.address)) socket.close(TRY_AGAIN_LATER);
    else {
      this.#context.counters.webSocketsAccepted += 1;
      this.#start(webSocketTransport(socket, source), NOTHING, NOTHING, notIdeal);
    }
  }

  disconnect(nodeKey: NodeKey): number {
    const key = rawKeyOf(nodeKey);
    const sessions = [...this.#sessions].filter((session) => session.key === key);
    for (const session of sessions) session.close(new DerpError("closed", "the node may no longer use the relay"));
    return sessions.length;
  }

  readmit(nodeKey: NodeKey): void {
    this.#context.admission.forget(nodeKey);
  }

  isConnected(nodeKey: NodeKey): boolean {
    return this.#context.switchboard.find(rawKeyOf(nodeKey))?.active !== undefined;
  }

  notifyRestarting(reconnectInMs: number, tryForMs: number): void {
    const payload = Buffer.alloc(8);
    payload.writeUInt32BE(reconnectInMs, 0);
    payload.writeUInt32BE(tryForMs, 4);
    this.#broadcast("restarting", frameOf(FrameType.restarting, payload));
  }

  notifyHealth(text: string): void {
    this.#health = text;
    this.#broadcast("health", frameOf(FrameType.health, Buffer.from(text)));
  }

  setRateLimit(limit: RateLimit | undefined): void {
    const { rateLimit: _, ...rest } = this.#limits;
    this.#limits = limit ? { ...rest, rateLimit: limit } : rest;
    for (const { connection } of this.#sessions) connection?.setRateLimit(limit);
  }

  addForwarder(nodeKey: NodeKey, forwarder: Forwarder): void {
    const key = rawKeyOf(nodeKey);
    this.#context.switchboard.addForwarder(key, rawKeyBytes(key), forwarder);
  }

  removeForwarder(nodeKey: NodeKey, forwarder: Forwarder): void {
    this.#context.switchboard.removeForwarder(rawKeyOf(nodeKey), forwarder);
  }

  stats(): RelayStats {
    return relayStats(this.#sessions, this.#context);
  }

  close(): Promise<void> {
    this.#closing ??= Promise.withResolvers<void>();
    for (const session of this.#sessions) session.close(new DerpError("closed", "the relay shuts down"));
    this.#webSockets.close();
    if (this.#sessions.size === 0) this.#closing.resolve();
    return this.#closing.promise;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #upgradeWebSocket(request: IncomingMessage, socket: Duplex, head: Buffer, source?: Source): void {
    const { remoteAddress = "", remotePort = 0 } = request.socket;
    const from = source ?? { address: remoteAddress, port: remotePort };
    this.#webSockets.handleUpgrade(request, socket, head, (accepted) => {
      answerPings(accepted);
      this.acceptWebSocket(accepted, from, isNotIdeal(request));
    });
  }

  /** Says a last word and closes, even if the other side does not. */
  #hangUp(socket: Duplex, answer: Buffer): void {
    socket.on("error", () => {});
    socket.resume();
    socket.end(answer);
    setTimeout(() => socket.destroy(), this.#limits.hangUpMs).unref();
  }

  #isFull(address: string): boolean {
    if (this.#closing !== undefined) return true;
    if (this.#pendingLogins >= this.#limits.pendingLogins) return true;
    if ((this.#pendingPerAddress.get(address) ?? 0) >= this.#limits.pendingLoginsPerAddress) return true;
    return (this.#perAddress.get(address) ?? 0) >= this.#limits.connectionsPerAddress;
  }

  #start(transport: Transport, preamble: Buffer, head: Buffer, notIdeal: boolean): void {
    this.#context.counters.accepted += 1;
    this.#pendingLogins += 1;
    count(this.#pendingPerAddress, transport.remoteAddress, 1);
    count(this.#perAddress, transport.remoteAddress, 1);
    const session = new Session(transport, this.#context, notIdeal);
    this.#sessions.add(session);
    session.start(preamble, head);
  }

  #onLogin(session: Session): void {
    this.#loginOver(session);
    this.#report("login", session);
  }

  #onEnd(session: Session, error: DerpError): void {
    const { counters } = this.#context;
    if (session.connection === undefined) {
      this.#loginOver(session);
      if (error.code === "not-allowed") counters.loginsRefused += 1;
      else counters.loginsFailed += 1;
    }
    this.#sessions.delete(session);
    count(this.#perAddress, session.transport.remoteAddress, -1);
    if (this.#sessions.size === 0) this.#closing?.resolve();
    this.#report("end", session, error);
  }

  #loginOver({ transport }: Session): void {
    this.#pendingLogins -= 1;
    count(this.#pendingPerAddress, transport.remoteAddress, -1);
  }

  #report(kind: RelayEvent["kind"], session: Session, error?: DerpError): void {
    this.#onEvent({
      kind,
      sourceAddress: session.transport.remoteAddress,
      ...(session.key !== undefined && { key: NodeKey.fromBytes(rawKeyBytes(session.key)) }),
      ...(error && { error }),
    });
  }

  #broadcast(subject: string, frame: Buffer): void {
    for (const { connection } of this.#sessions) connection?.outbox.control(subject, frame);
  }
}

function count(counts: Map<string, number>, address: string, by: 1 | -1): void {
  const next = (counts.get(address) ?? 0) + by;
  if (next > 0) counts.set(address, next);
  else counts.delete(address);
}

function isNotIdeal(request: IncomingMessage): boolean {
  return (request.headers[IDEAL_NODE_HEADER] ?? "") !== "";
}
