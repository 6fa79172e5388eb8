import type { AuthRequestId, Change, NodeId, TailnetId } from "@headscale/tailnet";

/** A node came or went: news, but nothing that is recorded. */
export interface PresenceNews {
  readonly kind: "node-online" | "node-offline";
  readonly tailnet: TailnetId;
  readonly id: NodeId;
  readonly at: number;
}

export type News = Change | PresenceNews;

/** A listener fell too far behind; it can go on from the store's history. */
export class FeedOverrunError extends Error {
  override readonly name = "FeedOverrunError";
  constructor() {
    super("the listener fell too far behind the change feed");
  }
}

/** Announces committed changes: to event streams, and to logins that wait for a verdict. */
export class ChangeFeed {
  readonly #listeners = new Set<(news: readonly News[]) => void>();
  readonly #logins = new Map<AuthRequestId, Set<() => void>>();
  readonly #maxBehind: number;

  /** `maxBehind`: changes that a slow listener may fall behind before it has to resume from the store. */
  constructor(maxBehind: number) {
    this.#maxBehind = maxBehind;
  }

  publish(changes: readonly Change[]): void {
    for (const listener of [...this.#listeners]) listener(changes);
    for (const change of changes) {
      if (change.subject !== "auth-request") continue;
      for (const wake of this.#logins.get(change.id) ?? []) wake();
    }
  }

  /** Tells that a node came or went. */
  publishPresence(news: PresenceNews): void {
    for (const listener of [...this.#listeners]) listener([news]);
  }

  /** Resolves when the login got a verdict or ran out, when `ms` passed, or when the signal fires. Ask before deciding. */
  settled(id: AuthRequestId, ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const waiting = this.#logins.get(id) ?? new Set();
      this.#logins.set(id, waiting);
      const done = () => {
        clearTimeout(timer);
        signal.removeEventListener("abort", done);
        waiting.delete(done);
        if (waiting.size === 0) this.#logins.delete(id);
        resolve();
      };
      const timer = setTimeout(done, ms);
      waiting.add(done);
      if (signal.aborted) done();
      else signal.addEventListener("abort", done, { once: true });
    });
  }

  /** What happens from the call on. @throws {FeedOverrunError} */
  news(signal: AbortSignal): AsyncGenerator<readonly News[]> {
    const maxBehind = this.#maxBehind;
    let pending: News[] = [];
    let behind = false;
    let wake: (() => void) | undefined;
    const listen = (changes: readonly News[]) => {
      if (behind || pending.length + changes.length > maxBehind) behind = true;
      else pending.push(...changes);
      wake?.();
    };
    this.#listeners.add(listen);
    const listeners = this.#listeners;
    // A generator that nobody has begun to read runs no `finally`.
    const onAbort = () => {
      listeners.delete(listen);
      wake?.();
    };
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
    return (async function* () {
      try {
        while (!signal.aborted) {
          if (behind) throw new FeedOverrunError();
          if (pending.length > 0) {
            const batch = pending;
            pending = [];
            yield batch;
            continue;
          }
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
      } finally {
        listeners.delete(listen);
        signal.removeEventListener("abort", onAbort);
      }
    })();
  }
}
