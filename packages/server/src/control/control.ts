import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { DecodeError } from "@headscale/tailcfg/codec";
import type { PrivateKey } from "@headscale/tailcfg/keys";
import { type Node, type Registration, TailnetError } from "@headscale/tailnet";
import { Hono } from "hono";
import { PresentedKeys } from "#auth/presented-keys.ts";
import type { Live } from "#live/live.ts";
import { QueueFullError } from "#live/write-queue.ts";
import { BodyError } from "./body.ts";
import type { MachineConnection } from "./connection.ts";
import type { ControlLimits } from "./limits.ts";
import { LoginBudget } from "./login-budget.ts";
import { type MachineEnv, MachineServer } from "./machine-server.ts";
import { type MapEvents, mapHandler } from "./map.ts";
import { Pings } from "./pings.ts";
import { registerHandler } from "./register.ts";
import { mountSmallEndpoints } from "./small-endpoints.ts";
import { mountSshAction } from "./ssh-action.ts";
import { NoiseUpgrade } from "./upgrade.ts";

export interface ControlOptions {
  readonly live: Live;
  readonly staticKey: PrivateKey;
  /** Without a final slash. */
  readonly serverUrl: string;
  readonly limits: ControlLimits;
  clientAddress(request: IncomingMessage): string;
  /** Addresses that count together: an IPv4 address, an IPv6 /64. */
  addressGroup(address: string): string;
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

/** The control protocol: `/ts2021` upgrades in, everything inside Noise behind it. */
export class Control {
  readonly pings: Pings;
  readonly #upgrade: NoiseUpgrade;
  readonly #server: MachineServer;
  readonly #closing = new AbortController();

  constructor(options: ControlOptions) {
    this.pings = new Pings(options.live, options.serverUrl, options.limits.questions);
    this.#server = new MachineServer(this.#app(options), options.limits.http2);
    this.#upgrade = new NoiseUpgrade({
      staticKey: options.staticKey,
      server: this.#server,
      sessionsPerMachine: options.limits.sessionsPerMachine,
      webSocketMessageBytes: options.limits.webSocketMessageBytes,
      clientAddress: options.clientAddress,
      onRefused: options.events.handshakeRefused,
    });
  }

  #app(options: ControlOptions): Hono<MachineEnv> {
    const { live, limits, serverUrl, events } = options;
    const bodyLimits = limits.body;
    const retryAfter = String(Math.ceil(limits.retryAfterMs / 1_000));
    const app = new Hono<MachineEnv>();
    app.use(async (context, next) => {
      context.set("connection", this.#server.connectionOf(context.env.incoming));
      await next();
    });
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
        limits,
        closing: this.#closing.signal,
        events: events.map,
        onFailed: (error) => events.failed("/machine/map", error),
      }),
    );
    mountSshAction(app, { live, serverUrl, holdMs: limits.sshCheckHoldMs });
    mountSmallEndpoints(app, { live, pings: this.pings, bodyLimits, onAudit: events.nodeAudit });
    app.notFound((context) =>
      context.text("this server does not implement that", context.req.path.startsWith("/machine/") ? 501 : 404),
    );
    app.onError((error, context) => {
      if (error instanceof DecodeError) return context.text(error.message, 400);
      if (error instanceof BodyError) return context.text(error.message, error.code === "too-long" ? 413 : 408);
      if (error instanceof TailnetError || error instanceof QueueFullError)
        return context.text(error.message, 503, { "Retry-After": retryAfter });
      events.failed(context.req.path, error);
      return context.text("internal error", 500);
    });
    return app;
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
