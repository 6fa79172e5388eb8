import type { DNSRecord } from "@headscale/tailcfg";
import { readBoundedFile } from "#config/bounded-file.ts";
import { parseExtraRecords } from "#config/extra-records.ts";
import { watchFileByName } from "./file-watch.ts";

export interface ExtraRecordsOptions {
  /** The configured records, when no file is watched. */
  readonly records: readonly DNSRecord[];
  readonly path: string | undefined;
  readonly fileBytes: number;
  readonly maxRecords: number;
  onLoaded(path: string, records: number): void;
  onRefused(path: string, error: unknown): void;
}

/** The extra DNS records: configured, or read from a file that is watched; a bad file keeps the records before it. */
export class ExtraRecords implements Disposable {
  readonly #options: ExtraRecordsOptions;
  #records: readonly DNSRecord[];
  #watch: Disposable | undefined;

  private constructor(options: ExtraRecordsOptions) {
    this.#options = options;
    this.#records = options.records;
  }

  /** @throws when the file cannot be read or parsed: a start with half of the names would surprise. */
  static async open(options: ExtraRecordsOptions): Promise<ExtraRecords> {
    const records = new ExtraRecords(options);
    if (options.path !== undefined) await records.#read(options.path);
    return records;
  }

  get current(): readonly DNSRecord[] {
    return this.#records;
  }

  /** Watches the file; `changed` is called after the records did. */
  watch(changed: () => void): void {
    const { path, onRefused } = this.#options;
    if (path === undefined) return;
    const refuse = (error: unknown) => onRefused(path, error);
    this.#watch = watchFileByName(path, () => void this.#reread(path, changed).catch(refuse), refuse);
  }

  async #reread(path: string, changed: () => void): Promise<void> {
    const before = JSON.stringify(this.#records);
    await this.#read(path);
    if (JSON.stringify(this.#records) !== before) changed();
  }

  async #read(path: string): Promise<void> {
    const { fileBytes, maxRecords } = this.#options;
    const text = await readBoundedFile(path, fileBytes).catch((cause: unknown) => {
      throw new Error(`dns.extra_records_path: ${path} cannot be read`, { cause });
    });
    const records = parseExtraRecords(text, maxRecords);
    // An empty file is one that is being written.
    if (records === undefined) return;
    this.#records = records;
    this.#options.onLoaded(path, records.length);
  }

  [Symbol.dispose](): void {
    this.#watch?.[Symbol.dispose]();
  }
}
