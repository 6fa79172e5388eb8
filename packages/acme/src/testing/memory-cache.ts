import type { CertificateCache } from "../certificate-cache.ts";

/** A cache that several managers share. */
export class MemoryCache implements CertificateCache {
  readonly held = new Map<string, string>();

  readonly get = async (key: string): Promise<string | undefined> => this.held.get(key);

  readonly put = async (key: string, value: string): Promise<void> => void this.held.set(key, value);

  readonly delete = async (key: string): Promise<void> => void this.held.delete(key);

  readonly exchange = async (key: string, expected: string | undefined, value: string): Promise<string | undefined> => {
    if (this.held.get(key) === expected) this.held.set(key, value);
    return this.held.get(key);
  };
}
