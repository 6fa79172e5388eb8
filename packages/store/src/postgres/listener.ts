import { setTimeout as sleep } from "node:timers/promises";
import type { Client, ClientConfig } from "pg";
import { connect } from "./connector.ts";

/** Says nothing but that there was a commit, and by whom. */
export const commitChannel = "headscale_commits";
/** Says by whom, and after a space of what: see `PostgresReplicas`. */
export const replicaChannel = "headscale_replicas";

export interface Heard {
  readonly channel: typeof commitChannel | typeof replicaChannel;
  /** What follows the name of the daemon that said it. */
  readonly text: string;
}

const firstRetryMs = 100;
const maxRetryMs = 5_000;
/** A connection that broke silently is found out by asking over it. */
const heartbeatMs = 15_000;
const heartbeatTimeoutMs = 5_000;

/** Hears what other daemons did, on a connection of its own, and keeps that connection up. */
export class CommitListener implements AsyncDisposable {
  readonly #config: ClientConfig;
  readonly #self: string;
  readonly #heard: (news: Heard | undefined) => void;
  readonly #ending = new AbortController();
  readonly #running: Promise<void>;

  /** `self`: how our own messages begin, which are no news. `heard` is called with nothing when some may have been missed. */
  constructor(config: ClientConfig, self: string, heard: (news: Heard | undefined) => void) {
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
    client.on("notification", ({ channel, payload = "" }) => {
      const [speaker, text = ""] = payload.split(" ", 2);
      if (speaker !== this.#self) this.#heard({ channel: channel as Heard["channel"], text });
    });
    const heartbeat = setInterval(() => void client.query("select 1").catch(end), heartbeatMs);
    try {
      await client.query(`listen ${commitChannel}; listen ${replicaChannel}`);
      connected();
      this.#heard(undefined);
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
