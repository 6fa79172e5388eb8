import { setTimeout as sleep } from "node:timers/promises";
import { ClientFailure } from "../../support/control/client-failure.ts";
import type { ControlServer } from "../../support/control/control-server.ts";
import { ControlClient } from "../../support/control-client.ts";

/** Longer than a keep-alive, shorter than any message that says something. */
const keepAliveBytes = 40;
const patienceMs = 60_000;
/** How clients wait between two tries. tailscale control/controlclient/auto.go, util/backoff@de9ec7ee */
const [firstBackoffMs, maxBackoffMs] = [100, 30_000];

/** Many clients, and when each of them was told something. */
export class Fleet implements AsyncDisposable {
  readonly clients: ControlClient[] = [];
  readonly #server: ControlServer;
  readonly #authKey: string;
  readonly #open = new Set<number>();
  /** Clients that have yet to be told what `round` waits for. */
  #missing = new Set<number>();
  #arrived: ((at: number) => void) | undefined;
  messages = 0;
  bytes = 0;

  constructor(server: ControlServer, authKey: string) {
    this.#server = server;
    this.#authKey = authKey;
  }

  get openCount(): number {
    return this.#open.size;
  }

  /** Registers new nodes, `atOnce` at a time. */
  async register(count: number, atOnce: number): Promise<void> {
    const first = this.clients.length;
    for (let i = first; i < first + count; i++) this.clients.push(new ControlClient(clientOptions(this.#server, i)));
    await inParallel(this.clients.slice(first), atOnce, (client) => this.registerOne(client));
  }

  async registerOne(client: ControlClient): Promise<void> {
    const answer = await client.register({ authKey: this.#authKey });
    if (answer.Error || !answer.MachineAuthorized) throw new Error(`not registered: ${answer.Error}`);
  }

  /** Opens the map streams of these clients; resolves when each holds a whole map. */
  async open(indexes: Iterable<number>, atOnce: number): Promise<void> {
    await inParallel([...indexes], atOnce, (index) => this.#keepTrying(index));
  }

  /**
   * Everybody comes back as after a restart: all within `spreadMs`, and again after a while where it fails. Resolves with
   * how long each waited for its whole map from its first try on.
   */
  async comeBack(indexes: Iterable<number>, spreadMs: number): Promise<number[]> {
    const one = async (index: number) => {
      await sleep(Math.random() * spreadMs);
      const startedAt = performance.now();
      await this.#keepTrying(index);
      return performance.now() - startedAt;
    };
    return Promise.all(Array.from(indexes, one));
  }

  async #keepTrying(index: number): Promise<void> {
    for (let failures = 0; !(await this.openOne(index).catch(asFailedTry)); failures++) {
      await sleep(Math.random() * Math.min(maxBackoffMs, firstBackoffMs * 2 ** failures));
    }
  }

  /** Opens one map stream; resolves with the size of the whole map. */
  async openOne(index: number): Promise<number> {
    const client = this.clients[index] as ControlClient;
    client.endpoints = [`192.0.2.${index % 250}:${10_000 + index}`, `10.1.${index >> 8}.${index & 255}:41641`];
    const stream = await client.openMap();
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    const ended = stream.skim((bytes) => {
      resolve(bytes);
      this.#told(index, bytes);
    });
    ended.then(
      () => reject(new Error("the stream ended before the map")),
      (error: unknown) => reject(error),
    );
    ended.catch(() => {}).finally(() => this.#open.delete(index));
    const bytes = await promise;
    this.#open.add(index);
    return bytes;
  }

  /** Resolves with the moment at which the last open stream, those of `except` apart, has been told something new. */
  round(except: readonly number[] = []): Promise<number> {
    this.#missing = new Set(this.#open);
    for (const index of except) this.#missing.delete(index);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${this.#missing.size} clients were not told`)), patienceMs);
      this.#arrived = (at) => {
        clearTimeout(timer);
        this.#arrived = undefined;
        resolve(at);
      };
    });
  }

  /** Resolves when nobody has been told anything for `ms`; news that wait for others wait up to a second. */
  async quiet(ms = 1_200): Promise<void> {
    for (let before = -1; before !== this.messages; ) {
      before = this.messages;
      await sleep(ms);
    }
  }

  /** Cuts every connection. */
  async drop(): Promise<void> {
    await Promise.all(this.clients.map((client) => client.drop()));
    this.#open.clear();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.drop();
  }

  #told(index: number, bytes: number): void {
    if (bytes < keepAliveBytes) return;
    this.messages++;
    this.bytes += bytes;
    if (this.#missing.delete(index) && this.#missing.size === 0) this.#arrived?.(performance.now());
  }
}

/** Undefined for what a client tries again after: no connection, or one that the server or HTTP/2 gave up. */
function asFailedTry(error: unknown): undefined {
  const { code } = error as { readonly code?: unknown };
  if (!(error instanceof ClientFailure) && !String(code).startsWith("ERR_HTTP2")) throw error;
  return undefined;
}

function clientOptions(server: ControlServer, index: number) {
  const hostinfo = {
    BackendLogID: "bench",
    OS: "linux",
    OSVersion: "6.1",
    Hostname: `node-${index}`,
    GoArch: "amd64",
    IPNVersion: "1.90.0",
    Services: [{ Proto: "peerapi4" as const, Port: 40_000 + (index % 20_000) }],
    NetInfo: { PreferredDERP: 900, MappingVariesByDestIP: false, WorkingUDP: true },
  };
  return { server, hostinfo };
}

async function inParallel<T>(items: readonly T[], atOnce: number, work: (item: T) => Promise<unknown>): Promise<void> {
  const rest = items.values();
  const worker = async () => {
    for (const item of rest) await work(item);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}
