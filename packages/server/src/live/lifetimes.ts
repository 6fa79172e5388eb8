import type { AuthRequest, AuthRequestId, Node, NodeId } from "@headscale/tailnet";
import { Deadlines } from "./deadlines.ts";

export interface LifetimeLimits {
  /** A node without a stream is shown as online for this long, to ride out reconnects. */
  readonly offlineGraceMs: number;
  readonly ephemeralInactivityMs: number;
}

export interface LifetimeEvents {
  keyExpired(id: NodeId): void;
  /** The grace period without a stream is over. */
  departed(id: NodeId): void;
  /** An ephemeral node has been away for too long. */
  abandoned(id: NodeId): void;
  loginRanOut(id: AuthRequestId): void;
}

/** Everything about nodes and logins that happens because time passes. */
export class Lifetimes implements Disposable {
  readonly #now: () => number;
  readonly #limits: LifetimeLimits;
  readonly #expiries: Deadlines<NodeId>;
  readonly #departures: Deadlines<NodeId>;
  readonly #ephemerals: Deadlines<NodeId>;
  readonly #logins: Deadlines<AuthRequestId>;

  constructor(now: () => number, limits: LifetimeLimits, events: LifetimeEvents) {
    this.#now = now;
    this.#limits = limits;
    this.#expiries = new Deadlines((id) => events.keyExpired(id), now);
    this.#departures = new Deadlines((id) => events.departed(id), now);
    this.#ephemerals = new Deadlines((id) => events.abandoned(id), now);
    this.#logins = new Deadlines((id) => events.loginRanOut(id), now);
  }

  /** A node that nobody has seen connected since the start. */
  found(node: Node): void {
    this.changed(node);
    this.left(node);
  }

  /** A node's row is new or changed. */
  changed(node: Node): void {
    if (node.expiry !== undefined && node.expiry > this.#now()) this.#expiries.set(node.id, node.expiry);
    else this.#expiries.delete(node.id);
  }

  login({ id, expiresAt }: AuthRequest): void {
    this.#logins.set(id, expiresAt);
  }

  connected(id: NodeId): void {
    this.#departures.delete(id);
    this.#ephemerals.delete(id);
  }

  disconnected(id: NodeId): void {
    this.#departures.set(id, this.#now() + this.#limits.offlineGraceMs);
  }

  /** A node is offline; an ephemeral one has so much time left. */
  left(node: Node): void {
    if (node.ephemeral) this.#ephemerals.set(node.id, this.#now() + this.#limits.ephemeralInactivityMs);
  }

  removed(id: NodeId): void {
    this.#expiries.delete(id);
    this.connected(id);
  }

  [Symbol.dispose](): void {
    for (const timers of [this.#expiries, this.#departures, this.#ephemerals, this.#logins]) timers[Symbol.dispose]();
  }
}
