import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { DecodeError } from "@headscale/tailcfg/codec";
import type { PrivateKey } from "@headscale/tailcfg/keys";
import { type Node, type Registration, TailnetError } from "@headscale/tailnet";
import { Hono, type MiddlewareHandler } from "hono";
import { PresentedKeys } from "#auth/presented-keys.ts";
import type { Live } from "#live/live.ts";
import { QueueFullError } from "#live/write-queue.ts";
import { BodyError } from "./body.ts";
import type { MachineConnection, Standing } from "./connection.ts";
import { DoorKeeper } from "./door-keeper.ts";
import { HeldBytes } from "./held-bytes.ts";
import type { ControlLimits } from "./limits.ts";
import { LoginBudget } from "./login-budget.ts";
import { type MachineEnv, MachineServer, type MachineServerOptions } from "./machine-server.ts";
import { type MapEvents, mapHandler } from "./map.ts";
import { MapPace } from "./map-pace.ts";
import { OpenMaps } from "./open-maps.ts";
import { Pings } from "./pings.ts";
import { registerHandler } from "./register.ts";
import { RequestPace } from "./request-pace.ts";
import { mountSmallEndpoints } from "./small-endpoints.ts";
import { mountSshAction } from "./ssh-action.ts";
import { NoiseUpgrade } from "./upgrade.ts";

export type { ControlLimits } from "./limits.ts";

export interface ControlOptions {
  readonly live: Live;
  readonly staticKey: PrivateKey;
  /** Without a final slash. */
  readonly serverUrl: string;
  readonly limits: ControlLimits;
  /** Makes the servers of HTTP/2 inside Noise. */
  readonly createServer: MachineServerOptions["createServer"];
  clientAddress(request: IncomingMessage): string;
  /** Addresses that count together: an IPv4 address, an IPv6 /64. */
  addressGroup(address: string): string;
  /** A member or an address broke HTTP/2 or went on when told to stop; it may be refused for a while. */
  onOffence(standing: Standing, code: string): void;
  isShutOut(standing: Standing): boolean;
  readonly events: ControlEvents;
}

/** What the control protocol tells the log. */
export interface ControlEvents {
  registration(outcome: Registration["kind"] | "refused", connection: MachineConnection, detail: string): void;
  handshakeRefused(reason: string, address: string): void;
  readonly map: MapEvents;
  nodeAudit(node: Node, action: string, details: string): void;
  failed(path: string, error: unknown): void;
}

const bodyStatus = { "too-long": 413, "too-slow": 408, "too-many": 429, aborted: 408 } as const;

/** The control protocol: `/ts2021` upgrades in, everything inside Noise behind it. */
export class Control {
  readonly pings: Pings;
  readonly #keeper: DoorKeeper;
  readonly #upgrade: NoiseUpgrade;
  readonly #server: MachineServer;
  readonly #closing = new AbortController();

  constructor(options: ControlOptions) {
    this.pings = new Pings(options.live, options.serverUrl, options.limits.questions);
    const { live, limits, addressGroup } = options;
    this.#keeper = new DoorKeeper({
      limits,
      addressGroup,
      isMember: (machineKey) => live.world.index.nodesByMachineKey.has(machineKey),
      isShutOut: options.isShutOut,
    });
    this.#server = new MachineServer(this.#app(options), {
      limits,
      createServer: options.createServer,
      standingOf: (connection) => this.#keeper.standingOf(connection),
      onOffence: (connection, code) => options.onOffence(this.#keeper.standingOf(connection), code),
    });
    this.#upgrade = new NoiseUpgrade({
      staticKey: options.staticKey,
      server: this.#server,
      keeper: this.#keeper,
      webSocketMessageBytes: limits.webSocketMessageBytes,
      hangUpMs: limits.hangUpMs,
      clientAddress: options.clientAddress,
      onRefused: options.events.handshakeRefused,
    });
  }

  #app(options: ControlOptions): Hono<MachineEnv> {
    const { live, limits, serverUrl, events } = options;
    const retryAfter = String(Math.ceil(limits.retryAfterMs / 1_000));
    const app = new Hono<MachineEnv>();
    app.use(this.#admission(limits));
    app.post(
      "/machine/register",
      registerHandler({
        live,
        keys: new PresentedKeys(() => live.world),
        serverUrl,
        limits,
        budget: new LoginBudget(limits.loginsPerMinute, live.now),
        addressGroup: options.addressGroup,
        onOutcome: events.registration,
      }),
    );
    app.post(
      "/machine/map",
      mapHandler({
        live,
        pace: new MapPace(limits.mapRequests),
        open: new OpenMaps(),
        limits,
        closing: this.#closing.signal,
        events: events.map,
        onFailed: (error) => events.failed("/machine/map", error),
      }),
    );
    mountSshAction(app, { live, serverUrl, holdMs: limits.sshCheckHoldMs });
    mountSmallEndpoints(app, { live, pings: this.pings, onAudit: events.nodeAudit });
    app.notFound((context) =>
      context.text("this server does not implement that", context.req.path.startsWith("/machine/") ? 501 : 404),
    );
    app.onError((error, context) => {
      if (error instanceof DecodeError) return context.text(error.message, 400);
      if (error instanceof BodyError) return context.text(error.message, bodyStatus[error.code]);
      if (error instanceof TailnetError || error instanceof QueueFullError)
        return context.text(error.message, 503, { "Retry-After": retryAfter });
      events.failed(context.req.path, error);
      return context.text("internal error", 500);
    });
    return app;
  }

  /** Who asks, whether it may, and what its body may cost. */
  #admission(limits: ControlLimits): MiddlewareHandler<MachineEnv> {
    const pace = new RequestPace(limits);
    const held = new HeldBytes(limits.heldBodyBytes);
    const retryAfter = String(Math.ceil(limits.retryAfterMs / 1_000));
    return async (context, next) => {
      const { incoming } = context.env;
      const connection = this.#server.connectionOf(incoming);
      const { isMember, key } = this.#keeper.standingOf(connection);
      const verdict = pace.judge(incoming, { isMember, key });
      if (verdict === "cut") this.#server.cut(incoming, "too-many-requests");
      if (verdict !== "serve") return context.text("too many requests", 429, { "Retry-After": retryAfter });
      context.set("connection", connection);
      context.set("bodyLimits", {
        ...limits.body,
        ...(!isMember && { maxBytes: limits.strangers.bodyBytes }),
        held: { take: (bytes) => held.take(key, bytes), release: (bytes) => held.release(key, bytes) },
      });
      return next();
    };
  }

  /** An upgrade on `/ts2021`: native (POST) or WebSocket (GET). */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const isWebSocket = request.headers.upgrade?.toLowerCase() === "websocket";
    if (isWebSocket) this.#upgrade.webSocket(request, socket, head);
    else this.#upgrade.native(request, socket, head);
  }

  get connectionCount(): number {
    return this.#server.connectionCount;
  }

  /** Ends map streams and tells every connection to go away; what is in flight may finish. */
  drain(): void {
    this.#closing.abort();
    this.#server.drain();
  }

  /** Ends what is left at once. */
  destroy(): void {
    this.#closing.abort();
    this.#server.destroy();
  }
}
