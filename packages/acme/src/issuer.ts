import { forgetAccount, openAccount } from "./account.ts";
import { AcmeClient, type Transport } from "./acme-client.ts";
import { AcmeError } from "./acme-error.ts";
import type { CertificateCache } from "./certificate-cache.ts";
import type { Challenges, ChallengeType } from "./challenges.ts";
import type { Identifier } from "./identifier.ts";
import type { ExternalAccount } from "./jws.ts";
import { orderCertificate } from "./order.ts";
import { askRenewalInfo, certificateId, type RenewalInfo } from "./renewal-info.ts";
import { type StoredCertificate, storedCertificate } from "./stored-certificate.ts";

/** A certificate authority: its directory URL, and the customer number it may want. */
export interface Authority {
  readonly url: string;
  readonly eab?: ExternalAccount;
}

export interface IssuerOptions {
  readonly names: readonly Identifier[];
  readonly email: string | undefined;
  readonly challenge: ChallengeType;
  readonly profile: string | undefined;
  readonly cache: CertificateCache;
  readonly challenges: Challenges;
  readonly transport: Transport;
}

/** Gets certificates for one set of names from any authority: account, profile, order, renewal advice. */
export class Issuer {
  readonly #options: IssuerOptions;

  constructor(options: IssuerOptions) {
    this.#options = options;
  }

  /** A new certificate; `current` is what it replaces. @throws {AcmeError} */
  async issue(authority: Authority, current: StoredCertificate | undefined): Promise<StoredCertificate> {
    try {
      return await this.#order(authority, current);
    } catch (error) {
      if (!(error instanceof AcmeError) || error.problem !== "accountDoesNotExist") throw error;
      await forgetAccount(authority.url, this.#options.cache, authority.eab);
      return this.#order(authority, current);
    }
  }

  /** When the authority that issued `current` would like it renewed. @throws {AcmeError} */
  async renewalInfo(current: StoredCertificate): Promise<RenewalInfo | undefined> {
    return askRenewalInfo(await AcmeClient.open(current.directory, this.#options.transport), current.cert);
  }

  async #order(authority: Authority, current: StoredCertificate | undefined): Promise<StoredCertificate> {
    const { cache, challenge: challengeType, challenges, email, names, transport } = this.#options;
    const client = await AcmeClient.open(authority.url, transport);
    const account = await openAccount(client, cache, { email, eab: authority.eab });
    const pair = await orderCertificate(client, account, {
      names,
      profile: this.#profileAt(client),
      replaces: replacedAt(client, current),
      challengeType,
      challenges,
    });
    return storedCertificate(pair, authority.url);
  }

  /** Let's Encrypt certifies addresses in this profile only. */
  #profileAt({ directory, url }: AcmeClient): string | undefined {
    const { profile, names } = this.#options;
    if (profile === undefined) {
      const wanted = names.some(({ type }) => type === "ip") && directory.profiles.includes("shortlived");
      return wanted ? "shortlived" : undefined;
    }
    if (directory.profiles.includes(profile)) return profile;
    const known = directory.profiles.join(", ") || "none";
    throw new AcmeError("bad-setting", `${url} has no certificate profile "${profile}"; it offers: ${known}`);
  }
}

/** Only the authority that issued a certificate can count another as its replacement. */
function replacedAt({ directory, url }: AcmeClient, current: StoredCertificate | undefined): string | undefined {
  if (current?.directory !== url || directory.renewalInfo === undefined) return undefined;
  return certificateId(current.cert);
}
