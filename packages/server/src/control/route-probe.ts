import type { Node, NodeId } from "@headscale/tailnet";
import type { Live } from "#live/live.ts";
import type { LiveTailnet } from "#live/live-tailnet.ts";
import type { MapSession } from "#live/map-session.ts";
import type { Pings } from "./pings.ts";

export interface RouteProbeOptions {
  readonly live: Live;
  readonly pings: Pings;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  onProbed(node: Node, isAlive: boolean): void;
}

/**
 * Asks routers that share a prefix whether they are alive, so that the role of primary leaves one that is connected but
 * dead. The first miss after a reconnect does not count: the probe may have raced the first map.
 */
export class RouteProbe implements Disposable {
  readonly #options: RouteProbeOptions;
  readonly #timer: NodeJS.Timeout;
  /** Streams whose router was asked before. */
  readonly #asked = new WeakSet<MapSession>();
  #running = false;

  constructor(options: RouteProbeOptions) {
    this.#options = options;
    this.#timer = setInterval(() => void this.#cycle(), options.intervalMs);
  }

  async #cycle(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    try {
      for (const tailnet of [...this.#options.live.tailnets]) await this.#probeAll(tailnet);
    } finally {
      this.#running = false;
    }
  }

  async #probeAll(tailnet: LiveTailnet): Promise<void> {
    const routers = new Set(tailnet.routers.contested().flatMap(([, ids]) => ids));
    await Promise.all([...routers].map((id) => this.#probe(tailnet, id)));
  }

  async #probe(tailnet: LiveTailnet, id: NodeId): Promise<void> {
    const { live, pings, timeoutMs, onProbed } = this.#options;
    const stream = tailnet.sessions.of(id);
    const node = live.world.nodes.get(id);
    if (!stream || !node) return;
    const isAlive = await pings.probe(id, timeoutMs).then(
      () => true,
      () => false,
    );
    if (tailnet.sessions.of(id) !== stream) return;
    const isFirst = !this.#asked.has(stream);
    this.#asked.add(stream);
    if (!isAlive && isFirst) return;
    onProbed(node, isAlive);
    live.attendance.setHealth(node, isAlive);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}
