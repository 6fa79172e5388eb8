import type { Socket } from "node:net";

/** Upgraded connections: no HTTP server counts or ends them any more. */
export class Tunnels {
  readonly #sockets = new Set<Socket>();
  readonly #keepAliveMs: number;

  constructor(keepAliveMs: number) {
    this.#keepAliveMs = keepAliveMs;
  }

  get size(): number {
    return this.#sockets.size;
  }

  add(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once("close", () => this.#sockets.delete(socket));
    socket.setTimeout(0).setNoDelay(true).setKeepAlive(true, this.#keepAliveMs);
  }

  /** Ends each one once what is written has left. */
  end(): void {
    for (const socket of this.#sockets) socket.destroySoon();
  }
}
