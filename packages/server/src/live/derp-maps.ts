import { createHash } from "node:crypto";
import { mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { DERPMap, DERPRegion } from "@headscale/tailcfg";
import { readBoundedFile } from "#config/bounded-file.ts";
import { type DerpMapSource, mergeDerpMaps, parseDerpMap } from "#config/derp-map.ts";

export interface DerpMapsOptions {
  readonly urls: readonly string[];
  readonly paths: readonly string[];
  /** Folder that keeps the last good answer of each URL. */
  readonly cacheDir: string;
  readonly fetchTimeoutMs: number;
  readonly fetchBytes: number;
  readonly fileBytes: number;
  /** Undefined: read once, at start. */
  readonly refreshMs: number | undefined;
  readonly embedded: DERPRegion | undefined;
  onLoaded(regions: number): void;
  onFailed(source: string, error: unknown): void;
}

/** The relay map out of URLs, files and the embedded region; a source that fails keeps what it last said. */
export class DerpMaps implements Disposable {
  readonly #options: DerpMapsOptions;
  readonly #lastGood = new Map<string, DerpMapSource>();
  #timer: NodeJS.Timeout | undefined;
  #isRefreshing = false;

  constructor(options: DerpMapsOptions) {
    this.#options = options;
  }

  /** Reads every source once. */
  async load(): Promise<DERPMap> {
    const { urls, paths, embedded, onLoaded } = this.#options;
    const sources: DerpMapSource[] = [];
    for (const url of urls) sources.push(...(await this.#read(url, () => this.#fetch(url))));
    for (const path of paths)
      sources.push(...(await this.#read(path, () => readBoundedFile(path, this.#options.fileBytes))));
    const map = mergeDerpMaps(sources, embedded);
    onLoaded(Object.keys(map.Regions).length);
    return map;
  }

  /** Goes on reading the sources in the background. */
  refresh(apply: (map: DERPMap) => void): void {
    const { refreshMs, urls, paths } = this.#options;
    if (refreshMs === undefined || urls.length + paths.length === 0) return;
    this.#timer = setInterval(() => void this.#refreshOnce(apply), refreshMs);
  }

  async #refreshOnce(apply: (map: DERPMap) => void): Promise<void> {
    // One that takes longer than the interval must not be overtaken by its successor.
    if (this.#isRefreshing) return;
    this.#isRefreshing = true;
    try {
      apply(await this.load());
    } catch (error) {
      this.#options.onFailed("relay map", error);
    } finally {
      this.#isRefreshing = false;
    }
  }

  async #read(source: string, text: () => Promise<string>): Promise<readonly DerpMapSource[]> {
    try {
      this.#lastGood.set(source, parsed(await text(), source));
    } catch (error) {
      this.#options.onFailed(source, error);
      if (!this.#lastGood.has(source)) await this.#restore(source);
    }
    const known = this.#lastGood.get(source);
    return known ? [known] : [];
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
    clearInterval(this.#timer);
  }
}

/** An empty text is a file that is being written, not a wish for no relays. */
function parsed(text: string, source: string): DerpMapSource {
  if (text.trim() === "") throw new Error("is empty");
  return parseDerpMap(text, source);
}
