import { EventEmitter, once } from "node:events";
import type { Server as Http1Server } from "node:http";
import type { Http2Server } from "node:http2";
import type { Socket } from "node:net";
import type { Peeking } from "./peek.ts";
import type { Tunnels } from "./tunnels.ts";

/** Node closes idle HTTP/1.1 connections once; one that was busy then would rest kept alive. */
const closeIdleEveryMs = 100;

interface Parts {
  readonly http1: Http1Server;
  readonly http2: Http2Server;
  readonly tunnels: Tunnels;
  readonly peeking: Peeking;
}

/** Every open connection, and how to be rid of them politely. */
export class Drain {
  readonly #parts: Parts;
  readonly #sockets = new Set<Socket>();
  readonly #closing = new AbortController();
  readonly #emptied = new EventEmitter();
  #closed: Promise<void> | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  get connections(): number {
    return this.#sockets.size;
  }

  add(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once("close", () => {
      this.#sockets.delete(socket);
      if (this.#sockets.size === 0) this.#emptied.emit("empty");
    });
  }

  /** The first call is patient for `graceMs`, tunnels for `tunnelGraceMs` of it; the second is not. */
  close(graceMs: number, tunnelGraceMs: number): Promise<void> {
    if (this.closing.aborted) this.#destroyAll();
    this.#closed ??= this.#close(graceMs, Math.min(tunnelGraceMs, graceMs));
    return this.#closed;
  }

  async #close(graceMs: number, tunnelGraceMs: number): Promise<void> {
    const { http1, http2, tunnels, peeking } = this.#parts;
    this.#closing.abort();
    peeking.dropAll();
    // Neither ever listened, so both report ERR_SERVER_NOT_RUNNING; what they do for open connections they do all the same.
    http1.close(() => {});
    http2.close(() => {}); // GOAWAY; streams in flight finish
    const idle = setInterval(() => http1.closeIdleConnections(), closeIdleEveryMs);
    const goodbye = setTimeout(() => tunnels.end(), tunnelGraceMs);
    const enough = setTimeout(() => this.#destroyAll(), graceMs);
    try {
      if (this.#sockets.size > 0) await once(this.#emptied, "empty");
    } finally {
      clearInterval(idle);
      clearTimeout(goodbye);
      clearTimeout(enough);
    }
  }

  #destroyAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}
