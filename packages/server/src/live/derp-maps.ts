import { createHash } from "node:crypto";
import { mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { DERPMap, DERPRegion } from "@headscale/tailcfg";
import { readBoundedFile } from "#config/bounded-file.ts";
import { type DerpMapSource, mergeDerpMaps, parseDerpMap } from "#config/derp-map.ts";
import { watchFileByName } from "./file-watch.ts";

export interface DerpMapsOptions {
  readonly urls: readonly string[];
  readonly paths: readonly string[];
  /** Folder that keeps the last good answer of each URL. */
  readonly cacheDir: string;
  readonly fetchTimeoutMs: number;
  readonly fetchBytes: number;
  readonly fileBytes: number;
  /** How often URLs are asked again; undefined: never, once they have answered. */
  readonly refreshMs: number | undefined;
  /** For tests. */
  readonly retryMs?: { readonly first: number; readonly last: number };
  readonly embedded: DERPRegion | undefined;
  onLoaded(regions: number): void;
  onFailed(source: string, error: unknown): void;
}

/** How soon a URL that failed is asked again: doubling from the first to the second. */
const retryMs = { first: 15_000, last: 30 * 60_000 } as const;

/** The relay map out of URLs, files and the embedded region; a source that fails keeps what it last said. */
export class DerpMaps implements Disposable {
  readonly #options: DerpMapsOptions;
  readonly #lastGood = new Map<string, DerpMapSource>();
  readonly #failing = new Set<string>();
  readonly #watches: Disposable[] = [];
  #timer: NodeJS.Timeout | undefined;
  #retry: NodeJS.Timeout | undefined;
  #retries = 0;
  #apply: ((map: DERPMap) => void) | undefined;
  /** Rounds follow each other: a slow one must not be overtaken by its successor. */
  #rounds: Promise<void> = Promise.resolve();
  #waiting = 0;

  constructor(options: DerpMapsOptions) {
    this.#options = options;
  }

  /** Reads every source once. */
  async load(): Promise<DERPMap> {
    const { urls, paths } = this.#options;
    return this.#read([...urls, ...paths]);
  }

  /** From now on `apply` hears of new maps: when a file changes, at the interval, and once a URL that failed answers. */
  refresh(apply: (map: DERPMap) => void): void {
    const { refreshMs, urls, paths, onFailed } = this.#options;
    this.#apply = apply;
    for (const path of paths) {
      const failed = (error: unknown) => onFailed(path, error);
      this.#watches.push(watchFileByName(path, () => void this.#round([path]), failed));
    }
    if (refreshMs !== undefined && urls.length > 0) {
      this.#timer = setInterval(() => this.#waiting === 0 && void this.reload(), refreshMs);
    }
    this.#retryLater();
  }

  /** Reads every source again now. */
  reload(): Promise<void> {
    return this.#round([...this.#options.urls, ...this.#options.paths]);
  }

  #round(sources: readonly string[]): Promise<void> {
    this.#waiting++;
    this.#rounds = this.#rounds.then(async () => {
      try {
        this.#apply?.(await this.#read(sources));
      } catch (error) {
        this.#options.onFailed("relay map", error);
      } finally {
        this.#waiting--;
        this.#retryLater();
      }
    });
    return this.#rounds;
  }

  async #read(sources: readonly string[]): Promise<DERPMap> {
    const { urls, paths, embedded, onLoaded } = this.#options;
    await Promise.all(sources.map((source) => this.#readOne(source)));
    const known = [...urls, ...paths].map((source) => this.#lastGood.get(source)).filter((map) => map !== undefined);
    const map = mergeDerpMaps(known, embedded);
    onLoaded(Object.keys(map.Regions).length);
    return map;
  }

  async #readOne(source: string): Promise<void> {
    const isUrl = this.#options.urls.includes(source);
    try {
      const text = isUrl ? await this.#fetch(source) : await readBoundedFile(source, this.#options.fileBytes);
      this.#lastGood.set(source, parsed(text, source));
      this.#failing.delete(source);
    } catch (error) {
      this.#options.onFailed(source, error);
      if (isUrl) this.#failing.add(source);
      if (!this.#lastGood.has(source)) await this.#restore(source);
    }
  }

  /** Whether the maps are refreshed or not, a server that started while a URL was away must not stay without its relays. */
  #retryLater(): void {
    clearTimeout(this.#retry);
    if (this.#failing.size === 0) this.#retries = 0;
    if (this.#failing.size === 0 || !this.#apply) return;
    const { first, last } = this.#options.retryMs ?? retryMs;
    this.#retry = setTimeout(() => void this.#round([...this.#failing]), Math.min(first * 2 ** this.#retries++, last));
  }

  async #fetch(url: string): Promise<string> {
    const { fetchTimeoutMs, fetchBytes } = this.#options;
    const response = await fetch(url, { signal: AbortSignal.timeout(fetchTimeoutMs) });
    if (!response.ok || !response.body) {
      await response.body?.cancel();
      throw new Error(`answered ${response.status}`);
    }
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    for await (const chunk of response.body) {
      bytes += chunk.length;
      if (bytes > fetchBytes) throw new Error(`longer than ${fetchBytes} bytes`);
      chunks.push(chunk);
    }
    const text = Buffer.concat(chunks).toString();
    parsed(text, url);
    // A folder that cannot be written does not make the answer any worse.
    await this.#keep(url, text).catch((error: unknown) => this.#options.onFailed(this.#fileOf(url), error));
    return text;
  }

  #fileOf(url: string): string {
    return join(this.#options.cacheDir, `derpmap-${createHash("sha256").update(url).digest("hex").slice(0, 16)}.json`);
  }

  async #keep(url: string, text: string): Promise<void> {
    const file = this.#fileOf(url);
    await mkdir(this.#options.cacheDir, { recursive: true, mode: 0o700 });
    await writeFile(`${file}.new`, text, { mode: 0o600 });
    await rename(`${file}.new`, file);
  }

  async #restore(source: string): Promise<void> {
    if (!this.#options.urls.includes(source)) return;
    try {
      this.#lastGood.set(source, parsed(await readBoundedFile(this.#fileOf(source), this.#options.fetchBytes), source));
    } catch {
      // Nothing was kept; that the source failed has been said.
    }
  }

  [Symbol.dispose](): void {
    this.#apply = undefined;
    clearInterval(this.#timer);
    clearTimeout(this.#retry);
    for (const watch of this.#watches.splice(0)) watch[Symbol.dispose]();
  }
}

/** An empty text is a file that is being written, not a wish for no relays. */
function parsed(text: string, source: string): DerpMapSource {
  if (text.trim() === "") throw new Error("is empty");
  return parseDerpMap(text, source);
}
