import { lookup } from "node:dns/promises";
import type { EndpointRequest, EndpointResponse } from "./endpoint.ts";

export interface BootstrapDnsOptions {
  /** Names everybody is told about. Asked at each refresh. */
  readonly published: () => Iterable<string>;
  /** Names told only to who asks for exactly this one. */
  readonly unpublished?: () => Iterable<string>;
  /** Addresses of a name; a rejection leaves the name out. */
  readonly resolve?: (name: string) => Promise<readonly string[]>;
  /** How often; ten minutes when absent. */
  readonly refreshMs?: number;
  /** For one name; a minute when absent. */
  readonly resolveMs?: number;
}

/**
 * `/bootstrap-dns`: addresses of hosts that clients need before their own DNS works, resolved ahead of time.
 * Source: tailscale cmd/derper/bootstrap_dns.go@de9ec7ee.
 */
export class BootstrapDns implements Disposable {
  readonly #options: BootstrapDnsOptions;
  readonly #resolve: (name: string) => Promise<readonly string[]>;
  #published: Readonly<Record<string, readonly string[]>> = {};
  #unpublished: Readonly<Record<string, readonly string[]>> = {};
  #timer: NodeJS.Timeout | undefined;

  constructor(options: BootstrapDnsOptions) {
    this.#options = options;
    this.#resolve = options.resolve ?? systemAddresses;
  }

  /** Resolves now and from time to time. */
  start(): void {
    this.#timer = setInterval(() => void this.refresh(), this.#options.refreshMs ?? 600_000);
    this.#timer.unref();
    void this.refresh();
  }

  async refresh(): Promise<void> {
    const { published, unpublished = () => [] } = this.#options;
    [this.#published, this.#unpublished] = await Promise.all([
      this.#resolveAll(published()),
      this.#resolveAll(unpublished()),
    ]);
  }

  /** The query's `q` is a hint only, and the key to an unpublished name. */
  readonly respond = ({ query }: EndpointRequest): EndpointResponse => {
    const name = query.get("q") ?? "";
    const secret = Object.hasOwn(this.#unpublished, name) ? this.#unpublished[name] : undefined;
    return {
      status: 200,
      headers: { "Content-Type": "application/json", Connection: "close" },
      body: JSON.stringify(secret ? { [name]: secret } : this.#published),
    };
  };

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  async #resolveAll(names: Iterable<string>): Promise<Record<string, readonly string[]>> {
    const found = await Promise.all(
      Array.from(new Set(names), async (name) => {
        try {
          return [name, shuffled(await within(this.#options.resolveMs ?? 60_000, this.#resolve(name)))] as const;
        } catch {
          return undefined;
        }
      }),
    );
    return Object.fromEntries(
      found.filter((entry) => entry !== undefined && entry[1].length > 0) as [string, string[]][],
    );
  }
}

async function systemAddresses(name: string): Promise<readonly string[]> {
  return (await lookup(name, { all: true })).map(({ address }) => address);
}

async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("resolving took too long")), ms);
    timer.unref();
  });
  try {
    return await Promise.race([work, tooLate]);
  } finally {
    clearTimeout(timer);
  }
}

/** In random order, so that clients do not all prefer the first family. */
function shuffled(addresses: readonly string[]): string[] {
  return addresses
    .map((address) => ({ address, at: Math.random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ address }) => address);
}
