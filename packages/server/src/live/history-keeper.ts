import type { HistoryLimits } from "@headscale/store";

export interface HistoryKeeperOptions {
  readonly store: { forgetHistory(limits: HistoryLimits): Promise<boolean> };
  /** Undefined: for ever. */
  readonly retentionMs: number | undefined;
  /** Undefined: as many as there are. */
  readonly maxEntries: number | undefined;
  readonly now?: () => number;
  onError(what: string, error: unknown): void;
}

/** Between two looks at the history. */
const intervalMs = 3_600_000;
/** Between two steps while there is more to forget: commits go first. */
const pauseMs = 250;

/** Keeps the history within its limits: a short step at a time, so that commits hardly wait for it. */
export class HistoryKeeper implements AsyncDisposable {
  readonly #options: HistoryKeeperOptions;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(options: HistoryKeeperOptions) {
    this.#options = options;
    if (options.retentionMs !== undefined || options.maxEntries !== undefined) this.#after(pauseMs);
  }

  #after(ms: number): void {
    if (this.#stopped) return;
    this.#timer = setTimeout(() => {
      this.#running = this.#step();
    }, ms);
  }

  async #step(): Promise<void> {
    const { store, retentionMs, maxEntries, now = Date.now, onError } = this.#options;
    let isMore = false;
    try {
      const before = retentionMs === undefined ? undefined : now() - retentionMs;
      isMore = await store.forgetHistory({ before, keep: maxEntries });
    } catch (error) {
      onError("forgetting old changes", error);
    }
    this.#after(isMore ? pauseMs : intervalMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#running;
  }
}
