import http2 from "node:http2";
import type { Duplex } from "node:stream";
import { getRequestListener, type HttpBindings } from "@hono/node-server";
import type { Hono } from "hono";
import type { MachineConnection } from "./connection.ts";
import type { ControlLimits } from "./limits.ts";

/** What a request handler inside Noise finds in its environment. */
export interface MachineBindings {
  readonly incoming: http2.Http2ServerRequest;
  readonly outgoing: http2.Http2ServerResponse;
}
export type MachineEnv = { Bindings: MachineBindings; Variables: { connection: MachineConnection } };

/** Serves HTTP/2 inside Noise connections: one server, many connections, each with its proven machine key. */
export class MachineServer {
  readonly #server: http2.Http2Server;
  readonly #connections = new Map<http2.ServerHttp2Session, MachineConnection>();
  readonly #limits: ControlLimits["http2"];
  readonly #pinger: NodeJS.Timeout;
  #arriving: MachineConnection | undefined;

  constructor(app: Hono<MachineEnv>, limits: ControlLimits["http2"]) {
    this.#limits = limits;
    const listener = getRequestListener((request, env) => app.fetch(request, env as HttpBindings & MachineBindings), {
      overrideGlobalObjects: false,
    });
    this.#server = http2.createServer(
      {
        settings: {
          maxConcurrentStreams: limits.streams,
          maxHeaderListSize: limits.headerBytes,
          initialWindowSize: limits.requestWindowBytes,
        },
        maxHeaderListPairs: limits.headerFields,
        streamResetBurst: limits.resets.burst,
        streamResetRate: limits.resets.perSecond,
        maxSessionInvalidFrames: limits.invalidFrames,
        maxSessionRejectedStreams: limits.rejectedStreams,
      },
      (request, response) => {
        // Hono's own attempt to answer an error may fail as well; unheard, that would end the process.
        listener(request, response).catch(() => request.stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR));
      },
    );
    this.#server.on("session", (session) => {
      const connection = this.#arriving;
      if (!connection) throw new Error("a session without a Noise connection");
      this.#connections.set(session, connection);
      session.on("error", () => {}).once("close", () => this.#connections.delete(session));
    });
    this.#server.on("sessionError", () => {});
    this.#pinger = setInterval(() => this.#pingAll(), limits.pingIntervalMs);
  }

  /** Serves one decrypted connection. */
  serve(stream: Duplex, connection: MachineConnection): void {
    stream.on("error", () => {});
    this.#arriving = connection;
    try {
      // The session event fires inside this call, so the connection is the one that arrives.
      this.#server.emit("connection", stream);
    } finally {
      this.#arriving = undefined;
    }
  }

  /** Who sent this request. */
  connectionOf(request: http2.Http2ServerRequest): MachineConnection {
    const session = request.stream.session as http2.ServerHttp2Session | undefined;
    const connection = session && this.#connections.get(session);
    if (!connection) throw new Error("the request's connection is gone");
    return connection;
  }

  get connectionCount(): number {
    return this.#connections.size;
  }

  /** TCP alone takes a quarter of an hour to notice a machine that lost its power. */
  #pingAll(): void {
    for (const session of this.#connections.keys()) {
      if (session.destroyed || session.closed) continue;
      const timer = setTimeout(() => session.destroy(), this.#limits.pingTimeoutMs);
      try {
        session.ping(() => clearTimeout(timer));
        session.once("close", () => clearTimeout(timer));
      } catch {
        clearTimeout(timer);
      }
    }
  }

  /** Tells every client to go elsewhere (GOAWAY); what is in flight may finish. */
  drain(): void {
    clearInterval(this.#pinger);
    for (const session of this.#connections.keys()) session.close();
  }

  /** Ends what is left. */
  destroy(): void {
    clearInterval(this.#pinger);
    for (const session of this.#connections.keys()) session.destroy();
  }
}
