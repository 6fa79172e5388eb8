import { setTimeout as sleep } from "node:timers/promises";
import type { Client, ClientConfig } from "pg";
import { connect } from "./connector.ts";

export const commitChannel = "headscale_commits";

const firstRetryMs = 100;
const maxRetryMs = 5_000;
/** A connection that broke silently is found out by asking over it. */
const heartbeatMs = 15_000;
const heartbeatTimeoutMs = 5_000;

/** Hears of commits on a connection of its own, and keeps that connection up. */
export class CommitListener implements AsyncDisposable {
  readonly #config: ClientConfig;
  readonly #self: string;
  readonly #heard: () => void;
  readonly #ending = new AbortController();
  readonly #running: Promise<void>;

  /** `self`: the payload of our own commits, which are no news. `heard` is also called when some may have been missed. */
  constructor(config: ClientConfig, self: string, heard: () => void) {
    this.#config = { ...config, query_timeout: heartbeatTimeoutMs };
    this.#self = self;
    this.#heard = heard;
    this.#running = this.#run();
  }

  async #run(): Promise<void> {
    let retryMs = firstRetryMs;
    while (!this.#ending.signal.aborted) {
      try {
        await this.#listen(() => {
          retryMs = firstRetryMs;
        });
      } catch {
        // The database cannot be reached: whoever writes says so, the listener only goes on trying.
      }
      await this.#pause(retryMs);
      retryMs = Math.min(maxRetryMs, retryMs * 2);
    }
  }

  /** Returns or throws when the connection is lost. */
  async #listen(connected: () => void): Promise<void> {
    const over = Promise.withResolvers<void>();
    const end = () => over.resolve();
    const { signal } = this.#ending;
    const client = await connect(this.#config, end);
    signal.addEventListener("abort", end);
    if (signal.aborted) end();
    client.on("notification", ({ payload }) => {
      if (payload !== this.#self) this.#heard();
    });
    const heartbeat = setInterval(() => void client.query("select 1").catch(end), heartbeatMs);
    try {
      await client.query(`listen ${commitChannel}`);
      connected();
      this.#heard();
      await over.promise;
    } finally {
      clearInterval(heartbeat);
      signal.removeEventListener("abort", end);
      await hangUp(client);
    }
  }

  async #pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#ending.signal }).catch(() => {});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort();
    await this.#running;
  }
}

/** Without waiting for a peer that may be gone. */
async function hangUp(client: Client): Promise<void> {
  await Promise.race([client.end().catch(() => {}), sleep(heartbeatTimeoutMs, undefined, { ref: false })]);
}
