import http2 from "node:http2";
import type { Duplex } from "node:stream";
import { getRequestListener, type HttpBindings } from "@hono/node-server";
import type { Hono } from "hono";
import type { BodyLimits } from "./body.ts";
import type { MachineConnection, Standing } from "./connection.ts";
import { awaitFirstBytes } from "./first-bytes.ts";
import type { ControlLimits } from "./limits.ts";

/** What a request handler inside Noise finds in its environment. */
export interface MachineBindings {
  readonly incoming: http2.Http2ServerRequest;
  readonly outgoing: http2.Http2ServerResponse;
}
export type MachineEnv = {
  Bindings: MachineBindings;
  Variables: { connection: MachineConnection; bodyLimits: BodyLimits };
};

/** What an HTTP/2 server without a listener of its own tells, and asks. */
export interface Http2Handlers {
  request(request: http2.Http2ServerRequest, response: http2.Http2ServerResponse): void;
  session(session: http2.ServerHttp2Session): void;
  /** The peer broke the protocol or went over a limit; its session is closed already. */
  offence(session: http2.ServerHttp2Session, code: string): void;
  /** What has gone over a session's wire so far, in bytes. */
  traffic(session: http2.ServerHttp2Session): { readonly received: number; readonly sent: number };
}

export interface MachineServerOptions {
  readonly limits: ControlLimits;
  /** A server that takes connections by `emit("connection", stream)`, with so many open streams each. */
  createServer(handlers: Http2Handlers, streams: number): http2.Http2Server;
  standingOf(connection: MachineConnection): Standing;
  onOffence(connection: MachineConnection, code: string): void;
}

/** What is inside a Noise connection; how much that has been, where it can be told. */
type Wire = Duplex & { readonly receivedWork?: number; readonly sentBytes?: number };

/** A connection and the stream that carries it. */
interface Served {
  readonly connection: MachineConnection;
  readonly wire: Wire;
}

/** Steps in which all connections are pinged once. */
const ticksPerInterval = 32;

/** Serves HTTP/2 inside Noise connections: two servers, for members and strangers, each connection with its proven machine key. */
export class MachineServer {
  readonly #options: MachineServerOptions;
  readonly #members: http2.Http2Server;
  readonly #strangers: http2.Http2Server;
  readonly #sessions = new Map<http2.ServerHttp2Session, Served>();
  /** Outlives the session: an offence is told after its end. */
  readonly #served = new WeakMap<http2.ServerHttp2Session, Served>();
  /** Connections that have said nothing yet. */
  readonly #silent = new Set<Duplex>();
  readonly #pinger: NodeJS.Timeout;
  /** Connections that have yet to be pinged in this round. */
  #pinging: Iterator<[http2.ServerHttp2Session, Served]>;
  /** How many pings are due, fractions included. */
  #due = 0;
  #arriving: Served | undefined;

  constructor(app: Hono<MachineEnv>, options: MachineServerOptions) {
    this.#options = options;
    const handlers = this.#handlers(app);
    this.#members = options.createServer(handlers, options.limits.streams);
    this.#strangers = options.createServer(handlers, options.limits.strangers.streams);
    this.#pinging = this.#sessions.entries();
    this.#pinger = setInterval(() => this.#pingDue(), options.limits.pingIntervalMs / ticksPerInterval);
  }

  #handlers(app: Hono<MachineEnv>): Http2Handlers {
    const listener = getRequestListener((request, env) => app.fetch(request, env as HttpBindings & MachineBindings), {
      overrideGlobalObjects: false,
    });
    return {
      request: (request, response) => {
        // Several come in one read; the first may have had their connection cut.
        if (request.stream.session?.destroyed !== false) return void request.stream.destroy();
        // Hono's own attempt to answer an error may fail as well; unheard, that would end the process.
        listener(request, response).catch(() => request.stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR));
      },
      session: (session) => {
        if (!this.#arriving) throw new Error("a session without a Noise connection");
        this.#served.set(session, this.#arriving);
        this.#sessions.set(session, this.#arriving);
        session.on("error", () => {}).once("close", () => this.#sessions.delete(session));
      },
      offence: (session, code) => {
        const served = this.#served.get(session);
        if (served) this.#offended(served, code);
      },
      traffic: (session) => {
        const wire = this.#served.get(session)?.wire;
        return { received: wire?.receivedWork ?? 0, sent: wire?.sentBytes ?? 0 };
      },
    };
  }

  /** Serves one decrypted connection, from its first byte on. */
  serve(wire: Wire, connection: MachineConnection): void {
    wire.on("error", () => {}).once("close", () => this.#silent.delete(wire));
    this.#silent.add(wire);
    awaitFirstBytes(wire, this.#options.limits.firstByteMs, () => {
      this.#silent.delete(wire);
      this.#begin({ connection, wire });
    });
  }

  #begin(served: Served): void {
    const { isMember } = this.#options.standingOf(served.connection);
    this.#arriving = served;
    try {
      // The session event fires inside this call, so the connection is the one that arrives.
      (isMember ? this.#members : this.#strangers).emit("connection", served.wire);
    } finally {
      this.#arriving = undefined;
    }
  }

  /** Who sent this request. */
  connectionOf(request: http2.Http2ServerRequest): MachineConnection {
    const session = request.stream.session as http2.ServerHttp2Session | undefined;
    const served = session && this.#served.get(session);
    if (!served) throw new Error("the request's connection is gone");
    return served.connection;
  }

  /** Cuts the connection that this request came by, as an offence. */
  cut(request: http2.Http2ServerRequest, code: string): void {
    const session = request.stream.session as http2.ServerHttp2Session | undefined;
    if (!session || session.destroyed) return;
    const served = this.#served.get(session);
    if (served) this.#offended(served, code);
    session.destroy(undefined, http2.constants.NGHTTP2_ENHANCE_YOUR_CALM);
  }

  get connectionCount(): number {
    return this.#sessions.size + this.#silent.size;
  }

  /** A session's own end waits for what it has to say, which the peer need not read. */
  #offended({ connection, wire }: Served, code: string): void {
    this.#options.onOffence(connection, code);
    const late = setTimeout(() => wire.destroy(), this.#options.limits.hangUpMs).unref();
    wire.once("close", () => clearTimeout(late));
  }

  /**
   * Pings as many connections as are due: TCP alone takes a quarter of an hour to notice a machine that lost its power.
   * Thousands at once would hold up everything else.
   */
  #pingDue(): void {
    this.#due += this.#sessions.size / ticksPerInterval;
    for (; this.#due >= 1; this.#due--) {
      const { value: next } = this.#pinging.next();
      if (next) this.#ping(...(next as [http2.ServerHttp2Session, Served]));
      else this.#pinging = this.#sessions.entries();
    }
  }

  #ping(session: http2.ServerHttp2Session, { wire }: Served): void {
    if (session.destroyed || session.closed) return;
    // Not the session's own end: that waits for a write that nobody takes any more.
    const timer = setTimeout(() => wire.destroy(), this.#options.limits.pingTimeoutMs);
    try {
      // Called when the session is closed, too.
      session.ping(() => clearTimeout(timer));
    } catch {
      clearTimeout(timer);
    }
  }

  /** Tells every client to go elsewhere (GOAWAY); what is in flight may finish. */
  drain(): void {
    clearInterval(this.#pinger);
    for (const stream of this.#silent) stream.destroy();
    for (const session of this.#sessions.keys()) session.close();
  }

  /** Ends what is left. */
  destroy(): void {
    clearInterval(this.#pinger);
    for (const stream of this.#silent) stream.destroy();
    for (const session of this.#sessions.keys()) session.destroy();
  }
}
