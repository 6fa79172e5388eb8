import type { PingRequest } from "@headscale/tailcfg";
import type { NodeId } from "@headscale/tailnet";
import type { MapSession } from "./map-session.ts";
import type { Rounds } from "./rounds.ts";

/** The open map streams of a tailnet: one per node. */
export class Sessions {
  readonly #open = new Map<NodeId, MapSession>();
  readonly #rounds: Rounds;

  constructor(rounds: Rounds) {
    this.#rounds = rounds;
  }

  get count(): number {
    return this.#open.size;
  }

  /** The node's open stream: another object after every reconnect. */
  of(id: number): MapSession | undefined {
    return this.#open.get(id as NodeId);
  }

  /** Nodes with a stream. */
  viewers(): Iterable<NodeId> {
    return this.#open.keys();
  }

  /** Takes in a stream; an older one of the same node is told to end after the new one is known. */
  add(session: MapSession): void {
    const older = this.#open.get(session.viewer);
    this.#open.set(session.viewer, session);
    older?.end();
  }

  /** Forgets a stream that has ended; true when it was the node's newest, so that the node is now without one. */
  remove(session: MapSession): boolean {
    if (this.#open.get(session.viewer) !== session) return false;
    this.#open.delete(session.viewer);
    return true;
  }

  /** Sends a ping over the node's map stream; false when it has none. */
  ping(id: NodeId, request: PingRequest): boolean {
    const session = this.#open.get(id);
    session?.ping(request);
    return session !== undefined;
  }

  /** Something of node `id` changed for these viewers. */
  touchPeer(viewers: Iterable<number>, id: number, bits: number): void {
    if (bits === 0 || this.#open.size === 0) return;
    this.#rounds.note();
    for (const viewer of viewers) this.#open.get(viewer as NodeId)?.touchPeer(id, bits);
  }

  /** Something that everybody is told changed. */
  touchAll(bits: number): void {
    for (const session of this.#open.values()) session.touchSelf(bits);
  }

  endAll(): void {
    for (const session of this.#open.values()) session.end();
  }
}
