import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { farewell } from "./farewell.ts";
import type { EdgeLimits } from "./limits.ts";
import { UntakenAnswers } from "./untaken-answers.ts";

/** Owns the socket from then on. `head` holds bytes that came right behind the request. */
export type UpgradeHandler = (request: IncomingMessage, socket: Socket, head: Buffer) => void;

export interface Http1Handlers {
  request(request: IncomingMessage, response: ServerResponse): void;
  /** Lower-case names of the protocols that `upgrade` takes over. */
  readonly upgrades: ReadonlySet<string>;
  readonly upgrade: UpgradeHandler;
  /** More requests than may wait came on this connection, which is closed. */
  crowded(socket: Socket): void;
}

/** An HTTP/1.1 server that never listens: sockets are handed to it by `emit("connection", socket)`. */
export function createHttp1(handlers: Http1Handlers, limits: EdgeLimits): Server {
  const unanswered = new WeakMap<object, number>();
  const untaken = new UntakenAnswers<ServerResponse>(limits.bodyMs, (response) => response.destroy());
  const server = createServer({
    // Node refuses to begin when a part may take longer than the whole.
    headersTimeout: Math.min(limits.headersMs, limits.bodyMs),
    requestTimeout: limits.bodyMs,
    keepAliveTimeout: limits.keepAliveMs,
    maxHeaderSize: limits.headerBytes,
    connectionsCheckingInterval: Math.min(2_000, limits.headersMs),
    shouldUpgradeCallback: ({ headers }) => handlers.upgrades.has(headers.upgrade?.toLowerCase() ?? ""),
  });
  server.on("request", (request, response) => {
    const { socket } = request;
    // Node hands out all requests of a piece that it has read, also behind one that ended the connection.
    if (socket.destroyed) return;
    const waiting = (unanswered.get(socket) ?? 0) + 1;
    if (waiting > limits.pipelined) {
      handlers.crowded(socket);
      return void socket.destroy();
    }
    untaken.add(response);
    unanswered.set(socket, waiting);
    response.once("close", () => unanswered.set(socket, (unanswered.get(socket) ?? 1) - 1));
    handlers.request(request, response);
  });
  server.on("upgrade", (request, duplex, head) => {
    const socket = duplex as Socket;
    socket.on("error", () => socket.destroy());
    // The upgrade would overtake the answer that a pipelined request still waits for.
    if ((unanswered.get(socket) ?? 0) > 0) return socket.destroy();
    // Node reads no body before an upgrade: it would be taken for the new protocol's first bytes.
    if (hasBody(request))
      return farewell(socket, "A request that upgrades the connection has no body.", limits.hangUpMs);
    return handlers.upgrade(request, socket, head);
  });
  // Node starts the timer behind headersTimeout and requestTimeout on this event alone.
  server.emit("listening");
  return server;
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) !== 0;
}
