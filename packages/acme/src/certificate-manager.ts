import { randomUUID } from "node:crypto";
import type { SecureContext } from "node:tls";
import { AcmeError } from "./acme-error.ts";
import { type AcmeLimits, defaultAcmeLimits } from "./acme-limits.ts";
import { Attempts } from "./attempts.ts";
import type { CertificateCache } from "./certificate-cache.ts";
import { Challenges, type ChallengeType } from "./challenges.ts";
import { type Clock, systemClock } from "./clock.ts";
import { type Identifier, parseIdentifier } from "./identifier.ts";
import { type Authority, Issuer } from "./issuer.ts";
import type { KeyPair } from "./order.ts";
import { OrderLease } from "./order-lease.ts";
import { nextRenewal, type RenewalWindow } from "./renewal.ts";
import { askAgainMs } from "./renewal-info.ts";
import { certificatePlace, loadCertificate, type StoredCertificate, saveCertificate } from "./stored-certificate.ts";

/** What happened, for log and counters. */
export type CertificateEvent =
  | { readonly kind: "issued"; readonly directory: string; readonly notAfter: number }
  | { readonly kind: "adopted"; readonly directory: string; readonly notAfter: number }
  | { readonly kind: "failed"; readonly directory: string; readonly error: AcmeError; readonly retryAt: number }
  | { readonly kind: "renewal-info-failed"; readonly directory: string; readonly error: unknown }
  | { readonly kind: "cache-failed"; readonly error: unknown };

export interface CertificateManagerOptions {
  /** Host names and IP addresses, all on one certificate. */
  readonly names: readonly string[];
  /** Asked in this order until one issues. */
  readonly directories: readonly Authority[];
  /** Where the authority writes about expiry and policy. */
  readonly email?: string;
  readonly challenge: ChallengeType;
  /** Certificate profile; by default `shortlived` where an address needs it, else the authority's choice. */
  readonly profile?: string;
  readonly cache: CertificateCache;
  readonly limits?: AcmeLimits;
  readonly onEvent?: (event: CertificateEvent) => void;
  readonly clock?: Clock;
  readonly fetch?: typeof fetch;
}

export interface CertificateManager extends AsyncDisposable {
  /** Begins to order and renew; call once the listeners that answer challenges are open. */
  start(): void;
  /** Body for `/.well-known/acme-challenge/{token}`, type `application/octet-stream`. */
  http01(token: string): Promise<string | undefined>;
  /** What to present when a client offers ALPN `acme-tls/1` for this server name. */
  alpnContext(serverName: string): SecureContext | undefined;
  /** `undefined` until the first certificate is there. */
  current(): KeyPair | undefined;
  /** Tells of every new certificate; returns the undoing. */
  onChange(listener: (pair: KeyPair) => void): () => void;
}

/** Opens the cache; what it holds is served at once. @throws {AcmeError} `bad-name` or `bad-setting` */
export async function createCertificateManager(options: CertificateManagerOptions): Promise<CertificateManager> {
  const names = options.names.map(parseIdentifier);
  if (names.length === 0) throw new AcmeError("bad-setting", "a certificate needs at least one name");
  if (options.directories.length === 0) throw new AcmeError("bad-setting", "no ACME directory is configured");
  const bad = options.directories.find(({ url }) => !url.startsWith("https://") || !URL.canParse(url));
  if (bad) throw new AcmeError("bad-setting", "an ACME directory must be an https:// URL");
  const manager = new Manager(options, names);
  await manager.load();
  return manager;
}

/** How often a daemon looks whether the one that orders is done. */
const askForTurnMs = 2_000;

class Manager implements CertificateManager {
  readonly #options: CertificateManagerOptions;
  readonly #place: string;
  readonly #limits: AcmeLimits;
  readonly #clock: Clock;
  readonly #challenges: Challenges;
  readonly #attempts: Attempts;
  readonly #stop = new AbortController();
  readonly #issuer: Issuer;
  readonly #lease: OrderLease;
  readonly #listeners = new Set<(pair: KeyPair) => void>();
  #running: Promise<void> | undefined;
  #current: StoredCertificate | undefined;
  /** Where in its renewal window the current certificate falls. */
  #fraction: number;
  #window: RenewalWindow | undefined;
  #askAgainAt = 0;

  constructor(options: CertificateManagerOptions, names: readonly Identifier[]) {
    this.#options = options;
    this.#place = certificatePlace(names);
    this.#limits = options.limits ?? defaultAcmeLimits;
    this.#clock = options.clock ?? systemClock;
    this.#fraction = this.#clock.random();
    this.#challenges = new Challenges(options.cache, this.#clock);
    this.#attempts = new Attempts(this.#clock);
    this.#lease = new OrderLease(options.cache, `lease/${this.#place.split("/")[1]}`, this.#clock, randomUUID());
    this.#issuer = new Issuer({
      names,
      email: options.email,
      challenge: options.challenge,
      profile: options.profile,
      cache: options.cache,
      challenges: this.#challenges,
      transport: {
        limits: this.#limits,
        fetch: options.fetch ?? fetch,
        clock: this.#clock,
        signal: this.#stop.signal,
      },
    });
  }

  async load(): Promise<void> {
    const stored = await loadCertificate(this.#options.cache, this.#place);
    if (stored) this.#adopt(stored);
  }

  start(): void {
    this.#running ??= this.#run().catch((error) => {
      if (!this.#stop.signal.aborted) throw error;
    });
  }

  http01(token: string): Promise<string | undefined> {
    return this.#challenges.http01(token);
  }

  alpnContext(serverName: string): SecureContext | undefined {
    return this.#challenges.alpnContext(serverName);
  }

  current(): KeyPair | undefined {
    return this.#current && { key: this.#current.key, cert: this.#current.cert };
  }

  onChange(listener: (pair: KeyPair) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#running;
    await this.#giveUpLease();
  }

  async #run(): Promise<never> {
    for (;;) {
      await this.#askWindow();
      const dueAt = this.#dueAt();
      if (dueAt > this.#clock.now()) {
        const wakeAt = Math.min(dueAt, this.#askAgainAt);
        await this.#sleepUntil(wakeAt);
        await this.#adoptFromReplica();
        continue;
      }
      await this.#orderInTurn();
    }
  }

  /** A certificate of an authority that is no longer configured (staging, say) is served, but replaced now. */
  #dueAt(): number {
    if (!this.#current || !this.#urls().includes(this.#current.directory)) return 0;
    return nextRenewal(this.#clock.now(), this.#current, this.#window, this.#fraction);
  }

  /** Orders if no other daemon does, and looks whether one has. */
  async #orderInTurn(): Promise<void> {
    if (!(await this.#takeLease())) return this.#sleepUntil(this.#clock.now() + askForTurnMs);
    // It may have been given up because the certificate is there.
    if (await this.#adoptFromReplica()) return this.#giveUpLease();
    const issued = await this.#renew();
    const nextAt = issued ? 0 : this.#attempts.nextAt(this.#urls());
    await this.#giveUpLease(nextAt);
    if (!issued) await this.#sleepUntil(nextAt);
  }

  /** With a cache that does not answer there is nobody to wait for. */
  async #takeLease(): Promise<boolean> {
    try {
      const { orderMs, requestMs } = this.#limits;
      return await this.#lease.take((orderMs + requestMs) * this.#options.directories.length);
    } catch (error) {
      this.#tell({ kind: "cache-failed", error });
      return true;
    }
  }

  /** Authorities count failures, so nobody tries before `until`. */
  async #giveUpLease(until?: number): Promise<void> {
    await this.#lease.release(until).catch((error: unknown) => this.#tell({ kind: "cache-failed", error }));
  }

  /** One round over the authorities that are not resting after a failure; true when one issued. */
  async #renew(): Promise<boolean> {
    for (const authority of this.#options.directories) {
      if (this.#attempts.rests(authority.url)) continue;
      const issued = await this.#attempt(authority);
      if (!issued) continue;
      await this.#save(issued);
      this.#adopt(issued);
      this.#tell({ kind: "issued", directory: issued.directory, notAfter: issued.notAfter });
      return true;
    }
    return false;
  }

  async #attempt(authority: Authority): Promise<StoredCertificate | undefined> {
    try {
      const issued = await this.#issuer.issue(authority, this.#current);
      this.#attempts.succeeded(authority.url);
      return issued;
    } catch (cause) {
      this.#stop.signal.throwIfAborted();
      const error = cause instanceof AcmeError ? cause : new AcmeError("order-failed", String(cause), { cause });
      const retryAt = this.#attempts.failed(authority.url, error);
      this.#tell({ kind: "failed", directory: authority.url, error, retryAt });
      return undefined;
    }
  }

  /** Asks the issuing authority when to renew, if it is time to ask. */
  async #askWindow(): Promise<void> {
    const now = this.#clock.now();
    if (now < this.#askAgainAt) return;
    this.#askAgainAt = now + askAgainMs.usual;
    const current = this.#current;
    if (!current || !this.#urls().includes(current.directory)) return;
    try {
      const info = await this.#issuer.renewalInfo(current);
      if (!info) return;
      this.#window = info.window;
      this.#askAgainAt = now + info.askAgainMs;
    } catch (error) {
      this.#stop.signal.throwIfAborted();
      this.#tell({ kind: "renewal-info-failed", directory: current.directory, error });
    }
  }

  /** Another daemon on the same cache may have renewed while we slept. */
  async #adoptFromReplica(): Promise<boolean> {
    try {
      const stored = await loadCertificate(this.#options.cache, this.#place);
      const known = this.#current;
      if (!stored || stored.cert === known?.cert || stored.notAfter <= (known?.notAfter ?? 0)) return false;
      this.#adopt(stored);
      this.#tell({ kind: "adopted", directory: stored.directory, notAfter: stored.notAfter });
      return true;
    } catch (error) {
      this.#tell({ kind: "cache-failed", error });
      return false;
    }
  }

  /** A cache that cannot write costs a new order at the next start, not the certificate. */
  async #save(issued: StoredCertificate): Promise<void> {
    try {
      await saveCertificate(this.#options.cache, this.#place, issued);
    } catch (error) {
      this.#tell({ kind: "cache-failed", error });
    }
  }

  #adopt(certificate: StoredCertificate): void {
    this.#current = certificate;
    this.#fraction = this.#clock.random();
    this.#window = undefined;
    this.#askAgainAt = 0;
    for (const listener of this.#listeners) listener({ key: certificate.key, cert: certificate.cert });
  }

  #urls(): string[] {
    return this.#options.directories.map(({ url }) => url);
  }

  #sleepUntil(at: number): Promise<void> {
    return this.#clock.sleep(Math.max(0, at - this.#clock.now()), this.#stop.signal);
  }

  #tell(event: CertificateEvent): void {
    this.#options.onEvent?.(event);
  }
}
