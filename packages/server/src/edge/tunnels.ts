import type { Socket } from "node:net";
import type { EdgeLimits } from "./limits.ts";

/** Upgraded connections: no HTTP server counts or ends them any more. */
export class Tunnels {
  readonly #sockets = new Set<Socket>();
  readonly #limits: Pick<EdgeLimits, "tunnelKeepAliveMs" | "hangUpMs">;

  constructor(limits: Pick<EdgeLimits, "tunnelKeepAliveMs" | "hangUpMs">) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#sockets.size;
  }

  add(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once("close", () => this.#sockets.delete(socket));
    socket.once("finish", () => hangUp(socket, this.#limits.hangUpMs));
    socket.setTimeout(0).setNoDelay(true).setKeepAlive(true, this.#limits.tunnelKeepAliveMs);
  }

  /** Ends each one once what is written has left. */
  end(): void {
    for (const socket of this.#sockets) socket.destroySoon();
  }
}

/** Our half is closed, so nothing that still comes can be answered; a socket whose other half nobody reads would stay. */
function hangUp(socket: Socket, withinMs: number): void {
  if (socket.listenerCount("data") === 0) socket.resume();
  const late = setTimeout(() => socket.destroy(), withinMs).unref();
  socket.once("close", () => clearTimeout(late));
}
