import { createHash } from "node:crypto";
import { createSecureContext, type SecureContext } from "node:tls";
import type { CertificateCache } from "./certificate-cache.ts";
import type { Clock } from "./clock.ts";
import { challengeServerName, type Identifier } from "./identifier.ts";
import { challengeCertificate, generateKey, keyPem } from "./x509.ts";

/** How we prove that a name is ours. */
export type ChallengeType = "HTTP-01" | "TLS-ALPN-01";

/** The answers that an authority may come to fetch just now. */
export class Challenges {
  readonly #tokens = new Map<string, string>();
  readonly #contexts = new Map<string, SecureContext>();
  readonly #cache: CertificateCache;
  readonly #clock: Clock;

  constructor(cache: CertificateCache, clock: Clock) {
    this.#cache = cache;
    this.#clock = clock;
  }

  /** Answers until disposed of: authorities look several times, from several places. */
  async offer(
    type: ChallengeType,
    name: Identifier,
    token: string,
    keyAuthorization: string,
  ): Promise<AsyncDisposable> {
    if (type === "TLS-ALPN-01") return this.#offerContext(name, keyAuthorization);
    this.#tokens.set(token, keyAuthorization);
    await this.#cache.put(placeOf(token), keyAuthorization); // a replica behind the same name may be asked
    return {
      [Symbol.asyncDispose]: async () => {
        this.#tokens.delete(token);
        await this.#cache.delete(placeOf(token));
      },
    };
  }

  /** Text to serve at `/.well-known/acme-challenge/{token}`; `undefined` for a token nobody is waiting for. */
  async http01(token: string): Promise<string | undefined> {
    if (!/^[A-Za-z0-9_-]{1,128}$/.test(token)) return undefined;
    return this.#tokens.get(token) ?? (await this.#cache.get(placeOf(token)));
  }

  /** What to present to a client that offers `acme-tls/1` for this server name. */
  alpnContext(serverName: string): SecureContext | undefined {
    return this.#contexts.get(serverName.toLowerCase());
  }

  #offerContext(name: Identifier, keyAuthorization: string): AsyncDisposable {
    const key = generateKey();
    const cert = challengeCertificate(key, name, keyAuthorization, this.#clock.now());
    const serverName = challengeServerName(name);
    this.#contexts.set(serverName, createSecureContext({ key: keyPem(key), cert }));
    return { [Symbol.asyncDispose]: async () => void this.#contexts.delete(serverName) };
  }
}

/** Tokens come from the network: hashed, they fit any cache's keys. */
function placeOf(token: string): string {
  return `challenge/${createHash("sha256").update(token).digest("hex")}`;
}
