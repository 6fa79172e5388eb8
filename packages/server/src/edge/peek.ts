import type { Socket } from "node:net";
import type { EdgeLimits } from "./limits.ts";
import { type FirstProtocol, firstProtocol } from "./preface.ts";
import { beginsLikeProxyHeader, type ProxySource, parseProxyHeader } from "./proxy-protocol.ts";

export interface Spoken {
  readonly kind: "speaks";
  readonly protocol: FirstProtocol;
  /** What a PROXY header said. */
  readonly source: ProxySource | undefined;
}

/** A socket that is dropped speaks no protocol, for want of a PROXY header or because of one. */
export type Peeked = Spoken | { readonly kind: "proxy-header-missing" | "proxy-header-unasked" };

/** Sockets whose first bytes are still to come. */
export class Peeking {
  readonly #limits: EdgeLimits;
  readonly #drops = new Map<Socket, () => void>();

  constructor(limits: EdgeLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#drops.size;
  }

  /** Calls `done` at most once, with every byte still unread; a socket that stays silent is dropped without. */
  peek(socket: Socket, expectProxy: boolean, done: (peeked: Peeked) => void): void {
    const stop = () => {
      clearTimeout(timer);
      socket.off("readable", read).off("end", drop).off("close", stop);
      this.#drops.delete(socket);
    };
    const drop = () => {
      stop();
      socket.destroy();
    };
    let seen: Buffer = Buffer.alloc(0);
    const read = () => {
      const chunk: Buffer | null = socket.read();
      if (chunk === null) return;
      seen = Buffer.concat([seen, chunk]);
      const decided = decide(seen, expectProxy);
      if (decided === "more") return;
      if (decided.kind === "speaks") {
        stop();
        socket.unshift(seen.subarray(decided.skip));
      } else drop();
      done(decided);
    };
    const timer = setTimeout(drop, this.#limits.peekMs);
    this.#drops.set(socket, drop);
    socket.on("readable", read).on("end", drop).on("close", stop);
    if (this.#drops.size > this.#limits.peeking) this.#dropOldest();
  }

  dropAll(): void {
    for (const drop of [...this.#drops.values()]) drop();
  }

  #dropOldest(): void {
    this.#drops.values().next().value?.();
  }
}

type Decided = (Spoken & { readonly skip: number }) | Exclude<Peeked, Spoken>;

function decide(seen: Buffer, expectProxy: boolean): Decided | "more" {
  if (!expectProxy) return beginsLikeProxyHeader(seen) ? { kind: "proxy-header-unasked" } : speaks(seen, 0, undefined);
  const header = parseProxyHeader(seen);
  if (header.kind === "incomplete") return "more";
  if (header.kind === "none") return { kind: "proxy-header-missing" };
  return speaks(seen, header.length, header.source);
}

function speaks(seen: Buffer, skip: number, source: ProxySource | undefined): Decided | "more" {
  const protocol = firstProtocol(seen.subarray(skip));
  return protocol ? { kind: "speaks", protocol, source, skip } : "more";
}
