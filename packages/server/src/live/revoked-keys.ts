import { purgeRevokedAuthKeys } from "@headscale/tailnet/commands";
import type { Live } from "./live.ts";

const hourMs = 3_600_000;

export interface RevokedKeysOptions {
  /** How long a revoked pre-auth key stays in the list. */
  readonly retentionMs: number;
  onError(error: unknown): void;
}

/** Deletes revoked pre-auth keys whose time is over: at the start, then hourly, or as often as such a time is short. */
export class RevokedKeys implements Disposable {
  readonly #live: Live;
  readonly #options: RevokedKeysOptions;
  readonly #timer: NodeJS.Timeout;

  constructor(live: Live, options: RevokedKeysOptions) {
    this.#live = live;
    this.#options = options;
    this.#timer = setInterval(() => void this.purge(), Math.min(hourMs, Math.max(100, options.retentionMs)));
    void this.purge();
  }

  async purge(): Promise<void> {
    const { retentionMs, onError } = this.#options;
    const before = this.#live.now() - retentionMs;
    for (const { revokedAt } of this.#live.world.authKeys.values()) {
      if (revokedAt === undefined || revokedAt > before) continue;
      await this.#live.execute(purgeRevokedAuthKeys(before), "system").catch(onError);
      return;
    }
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}
