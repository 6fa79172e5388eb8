import type { Http2ServerRequest, ServerHttp2Session } from "node:http2";
import type { Socket } from "node:net";
import { type AddressSet, addressGroup, addressSet, canonicalAddress } from "./addresses.ts";
import { admitBody } from "./body-limit.ts";
import { Drain } from "./drain.ts";
import { farewell } from "./farewell.ts";
import { type EdgeRequest, type EdgeResponse, type RequestHandler, runHandler } from "./http-message.ts";
import { createHttp1, type UpgradeHandler } from "./http1.ts";
import { createHttp2 } from "./http2.ts";
import { defaultLimits, type EdgeLimits } from "./limits.ts";
import type { ListenAddress } from "./listen-address.ts";
import { type Listener, listen, type Transport } from "./listener.ts";
import { Offenders } from "./offenders.ts";
import { Peeking, type Spoken } from "./peek.ts";
import { isNearby, type ProxyDoubt, ProxyDoubts } from "./proxy-doubts.ts";
import { type ConnectionOrigin, noteOrigin } from "./request-origin.ts";
import { type CertificateSource, createTlsServer } from "./tls.ts";
import { Tunnels } from "./tunnels.ts";

/** What happened, for log and counters. */
export type EdgeEvent =
  | { readonly kind: "handler-failed"; readonly error: unknown }
  /** Too many HTTP/2 offences: connections from there are refused for a while. */
  | { readonly kind: "shut-out"; readonly address: string; readonly code: string }
  /** Told once for an address. */
  | ProxyDoubt;

export interface EdgeOptions {
  readonly request: RequestHandler;
  /** Takes over sockets that ask for one of `upgrades`; must write the 101 itself and read `head` first. */
  readonly upgrade?: UpgradeHandler;
  readonly upgrades?: readonly string[];
  readonly tls?: {
    readonly certificates: CertificateSource;
    /** Plain HTTP on the same port, unix sockets aside. By default refused, so that no API key travels in the clear. */
    readonly clearText?: ClearText;
  };
  /** Prefixes of proxies whose forwarding headers are believed. */
  readonly trustedProxies?: readonly string[];
  /** Prefixes of sources that must, and alone may, send a PROXY protocol header. */
  readonly proxyProtocol?: readonly string[];
  readonly limits?: Partial<EdgeLimits>;
  readonly onEvent?: (event: EdgeEvent) => void;
}

/** What the edge holds just now. */
export interface EdgeStats {
  readonly connections: number;
  readonly peeking: number;
  readonly tunnels: number;
  readonly sessions: number;
  /** Since the start. */
  readonly refused: number;
}

export type ClearText = "refuse" | "serve";

export interface Edge {
  /** `clearText` is for this address alone. @throws {EdgeError} */
  listen(address: ListenAddress, clearText?: ClearText): Promise<Listener>;
  /** Aborted when the edge begins to stop: tunnels should say goodbye. */
  readonly closing: AbortSignal;
  /** Stops accepting, finishes what is in flight within `graceMs`, resolves when all is closed. A second call ends at once. */
  close(graceMs?: number): Promise<void>;
  stats(): EdgeStats;
}

/** Upgrades a control server takes: Noise, DERP, and either of them in a WebSocket. */
export const controlUpgrades = ["tailscale-control-protocol", "derp", "websocket"] as const;

/**
 * The one listener: TLS, HTTP/1.1 and HTTP/2 share each address and are told apart by their first bytes; behind it sit
 * servers that never listen. @throws {EdgeError} `bad-prefix`
 */
export function createEdge(options: EdgeOptions): Edge {
  return new FrontDoor(options);
}

class FrontDoor implements Edge {
  readonly #options: EdgeOptions;
  readonly #limits: EdgeLimits;
  readonly #trusted: AddressSet;
  readonly #proxySources: AddressSet;
  readonly #offenders: Offenders;
  readonly #peeking: Peeking;
  readonly #tunnels: Tunnels;
  readonly #http1: ReturnType<typeof createHttp1>;
  readonly #http2: ReturnType<typeof createHttp2>;
  readonly #tls: ReturnType<typeof createTlsServer> | undefined;
  readonly #drain: Drain;
  readonly #listeners: Listener[] = [];
  /** By socket (HTTP/1.1) or session (HTTP/2), whose requests do not lead back to the socket object. */
  readonly #origins = new WeakMap<object, ConnectionOrigin>();
  /** By four-tuple, while the handshake runs: a TLS socket does not lead back to the socket it wraps. */
  readonly #handshaking = new Map<string, ConnectionOrigin>();
  #arriving: ConnectionOrigin | undefined;
  readonly #perAddress = new Map<string, number>();
  readonly #doubts: ProxyDoubts;
  #sessions = 0;
  #refused = 0;

  constructor(options: EdgeOptions) {
    this.#options = options;
    this.#limits = { ...defaultLimits, ...options.limits };
    this.#trusted = addressSet("trusted_proxies", options.trustedProxies ?? []);
    this.#proxySources = addressSet("proxy_protocol", options.proxyProtocol ?? []);
    this.#offenders = new Offenders(this.#limits.offences);
    this.#peeking = new Peeking(this.#limits);
    this.#doubts = new ProxyDoubts((event) => options.onEvent?.(event));
    this.#tunnels = new Tunnels(this.#limits);
    this.#http1 = this.#createHttp1();
    this.#http2 = this.#createHttp2();
    this.#tls =
      options.tls && createTlsServer(options.tls.certificates, this.#limits, (socket) => this.#secured(socket));
    this.#drain = new Drain({ http1: this.#http1, http2: this.#http2, tunnels: this.#tunnels, peeking: this.#peeking });
  }

  async listen(address: ListenAddress, clearText = this.#options.tls?.clearText ?? "refuse"): Promise<Listener> {
    const accept = (socket: Socket, transport: Transport) => this.#accept(socket, transport, clearText);
    const listener = await listen(address, accept, this.#limits.connections);
    this.#listeners.push(listener);
    return listener;
  }

  get closing(): AbortSignal {
    return this.#drain.closing;
  }

  async close(graceMs = this.#limits.graceMs): Promise<void> {
    for (const listener of this.#listeners.splice(0)) listener.close();
    this.#tls?.release();
    await this.#drain.close(graceMs, this.#limits.tunnelGraceMs);
  }

  stats(): EdgeStats {
    return {
      connections: this.#drain.connections,
      peeking: this.#peeking.size,
      tunnels: this.#tunnels.size,
      sessions: this.#sessions,
      refused: this.#refused,
    };
  }

  #accept(socket: Socket, transport: Transport, clearText: ClearText): void {
    socket.on("error", () => socket.destroy());
    const peer = transport === "tcp" ? canonicalAddress(socket.remoteAddress) : undefined;
    const gone = transport === "tcp" && peer === undefined;
    if (gone || this.closing.aborted || this.#refuses(peer) || !this.#admit(socket, peer)) {
      return void socket.resetAndDestroy();
    }
    this.#drain.add(socket);
    this.#peeking.peek(socket, this.#proxySources.has(peer), (peeked) => {
      if (peeked.kind !== "speaks") return this.#doubts.tell(peeked.kind, peer);
      const source = canonicalAddress(peeked.source?.address);
      if (source !== undefined && this.#refuses(source)) return void socket.destroy();
      return this.#route(peeked, socket, { transport, secure: false, peer: source ?? peer }, clearText);
    });
  }

  /** Counts the connections of an address; a proxy speaks for many. */
  #admit(socket: Socket, peer: string | undefined): boolean {
    if (peer === undefined || this.#trusted.has(peer) || this.#proxySources.has(peer)) return true;
    const group = addressGroup(peer);
    const open = this.#perAddress.get(group) ?? 0;
    if (open >= this.#limits.connectionsPerAddress) {
      this.#refused++;
      return false;
    }
    this.#perAddress.set(group, open + 1);
    socket.once("close", () => {
      const left = (this.#perAddress.get(group) ?? 1) - 1;
      if (left > 0) this.#perAddress.set(group, left);
      else this.#perAddress.delete(group);
    });
    return true;
  }

  #refuses(peer: string | undefined): boolean {
    if (peer === undefined || !this.#offenders.refuses(peer, performance.now())) return false;
    this.#refused++;
    return true;
  }

  #route({ protocol }: Spoken, socket: Socket, origin: ConnectionOrigin, clearText: ClearText): void {
    if (protocol === "tls") this.#handshake(socket, origin);
    else if (!this.#tls || origin.transport === "unix" || clearText === "serve") this.#serve(protocol, socket, origin);
    else if (protocol === "h1") farewell(socket, "This port speaks HTTPS.", this.#limits.hangUpMs);
    else socket.destroy();
  }

  #handshake(socket: Socket, origin: ConnectionOrigin): void {
    if (!this.#tls || origin.transport === "unix") return void socket.destroy();
    const tuple = fourTuple(socket);
    this.#handshaking.set(tuple, origin);
    socket.once("close", () => {
      // The peer may have dialled again from the same port by now.
      if (this.#handshaking.get(tuple) === origin) this.#handshaking.delete(tuple);
    });
    this.#tls.server.emit("connection", socket);
  }

  #secured(socket: Socket & { alpnProtocol: string | false | null }): void {
    const origin = this.#handshaking.get(fourTuple(socket));
    if (!origin || this.closing.aborted) return void socket.destroy();
    this.#serve(socket.alpnProtocol === "h2" ? "h2" : "h1", socket, { ...origin, secure: true });
  }

  #serve(protocol: "h1" | "h2", socket: Socket, origin: ConnectionOrigin): void {
    this.#origins.set(socket, origin);
    // No HTTP/2 peer ends its half and listens on; without this one that went away holds its quiet streams for ever.
    if (protocol === "h2") socket.once("end", () => socket.destroySoon());
    this.#arriving = origin; // "session" is emitted before emit returns
    (protocol === "h2" ? this.#http2 : this.#http1).emit("connection", socket);
    this.#arriving = undefined;
  }

  #createHttp1() {
    const { upgrade, upgrades = upgrade ? controlUpgrades : [] } = this.#options;
    return createHttp1(
      {
        upgrades: new Set(upgrades),
        request: (request, response) => {
          if (this.closing.aborted) response.shouldKeepAlive = false;
          this.#request(request, response, this.#origins.get(request.socket));
        },
        upgrade: (request, socket, head) => {
          const origin = this.#origins.get(socket);
          if (!origin || !upgrade || this.closing.aborted) return void socket.destroy();
          this.#note(request, origin);
          this.#tunnels.add(socket);
          return upgrade(request, socket, head);
        },
        crowded: (socket) => this.#offence(this.#origins.get(socket), "pipelined"),
      },
      this.#limits,
    );
  }

  #createHttp2() {
    return createHttp2(
      {
        request: (request, response) => this.#request(request, response, this.#originOfStream(request)),
        session: (session) => this.#session(session),
        offence: (session, code) => this.#offence(this.#origins.get(session), code),
      },
      this.#limits,
    );
  }

  #session(session: ServerHttp2Session): void {
    if (this.#arriving) this.#origins.set(session, this.#arriving);
    this.#sessions++;
    session.once("close", () => this.#sessions--);
  }

  #originOfStream({ stream }: Http2ServerRequest): ConnectionOrigin | undefined {
    return stream.session && this.#origins.get(stream.session);
  }

  /** A trusted proxy mixes many clients; shutting it out would shut out all. */
  #offence(origin: ConnectionOrigin | undefined, code: string): void {
    const address = origin?.peer;
    if (address === undefined || this.#trusted.has(address)) return;
    if (this.#offenders.count(address, performance.now())) this.#options.onEvent?.({ kind: "shut-out", address, code });
  }

  #note(request: EdgeRequest, origin: ConnectionOrigin): void {
    const { forwarded } = noteOrigin(request, origin, this.#trusted);
    if (forwarded && isNearby(origin.peer) && !this.#trusted.has(origin.peer))
      this.#doubts.tell("proxy-untrusted", origin.peer);
  }

  #request(request: EdgeRequest, response: EdgeResponse, origin: ConnectionOrigin | undefined): void {
    if (!origin) return void request.destroy(); // its session has just ended
    this.#note(request, origin);
    if (!admitBody(request, response, this.#limits)) return;
    runHandler(this.#options.request, request, response, (error) => {
      this.#options.onEvent?.({ kind: "handler-failed", error });
    });
  }
}

function fourTuple(socket: Socket): string {
  const { remoteAddress, remotePort, localAddress, localPort } = socket;
  return `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`;
}
