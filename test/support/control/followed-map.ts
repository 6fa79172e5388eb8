import type { MapResponse } from "@headscale/tailcfg";
import { ClientFailure } from "./client-failure.ts";
import { ClientNetmap } from "./client-netmap.ts";
import type { MapStream } from "./map-stream.ts";

export interface FollowOptions {
  /** Capability version of the imitated client. */
  readonly version: number;
  /** Told every message, keep-alives too, after it has been applied. */
  readonly onMessage?: (message: MapResponse) => void;
}

/** A map stream read in the background into a netmap that tests can wait on. */
export class FollowedMap implements AsyncDisposable {
  readonly netmap: ClientNetmap;
  /** Settles when the stream ends: undefined when this side closed it, else what a client would report. */
  readonly ended: Promise<unknown>;
  keepAlives = 0;
  readonly #stream: MapStream;
  readonly #waiters = new Set<() => void>();
  #end: { readonly reason: unknown } | undefined;
  #closing = false;

  constructor(stream: MapStream, options: FollowOptions) {
    this.netmap = new ClientNetmap(options.version);
    this.#stream = stream;
    this.ended = this.#follow(options);
  }

  /**
   * Waits until `holds` is true of the netmap; looks after every message. `what` names it in the failure.
   * @throws {ClientFailure} `timeout`, or the reason for which the stream ended first
   */
  async until(holds: (netmap: ClientNetmap) => boolean, what: string, timeoutMs = 10_000): Promise<ClientNetmap> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const look = () => {
      if (holds(this.netmap)) resolve();
      else if (this.#end)
        reject(new ClientFailure("unexpected-eof", `the stream ended before ${what}`, { cause: this.#end.reason }));
    };
    const late = () => reject(new ClientFailure("timeout", `waited ${timeoutMs} ms in vain until ${what}`));
    const timer = setTimeout(late, timeoutMs);
    this.#waiters.add(look);
    try {
      look();
      await promise;
      return this.netmap;
    } finally {
      clearTimeout(timer);
      this.#waiters.delete(look);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing = true;
    this.#stream.close();
    await this.ended;
  }

  async #follow({ onMessage }: FollowOptions): Promise<unknown> {
    let reason: unknown;
    try {
      for await (const message of this.#stream.messages()) {
        if (message.KeepAlive) this.keepAlives += 1;
        this.netmap.apply(message);
        onMessage?.(message);
        this.#wake();
      }
      reason = new ClientFailure("unexpected-eof", "the server ended the map stream");
    } catch (error) {
      reason = error;
    }
    if (this.#closing) reason = undefined;
    this.#end = { reason };
    this.#wake();
    return reason;
  }

  #wake(): void {
    for (const look of [...this.#waiters]) look();
  }
}
