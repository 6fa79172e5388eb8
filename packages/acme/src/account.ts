import { createHash, createPrivateKey, type KeyObject } from "node:crypto";
import type { AcmeClient } from "./acme-client.ts";
import { AcmeError } from "./acme-error.ts";
import type { CertificateCache } from "./certificate-cache.ts";
import { bindExternalAccount, type ExternalAccount } from "./jws.ts";
import { generateKey, keyPem } from "./x509.ts";

/** An account at one authority. `kid` is its URL, by which it signs. */
export interface Account {
  readonly key: KeyObject;
  readonly kid: string;
}

export interface AccountOptions {
  readonly email: string | undefined;
  readonly eab: ExternalAccount | undefined;
}

interface StoredAccount {
  readonly key: string;
  /** Unset between making the key and the authority's first answer. */
  readonly kid?: string;
  readonly email?: string | undefined;
}

/** The cached account, or a new one; the address is brought up to date. @throws {AcmeError} */
export async function openAccount(
  client: AcmeClient,
  cache: CertificateCache,
  { email, eab }: AccountOptions,
): Promise<Account> {
  const place = placeOf(client.url, eab);
  const stored = parseStored(await cache.get(place)) ?? { key: keyPem(generateKey()) };
  const key = createPrivateKey(stored.key);
  if (stored.kid === undefined) {
    // The key is kept first: should we die before the answer, asking again with it finds the same account.
    await cache.put(place, JSON.stringify(stored));
    const kid = await register(client, key, { email, eab });
    await cache.put(place, JSON.stringify({ key: stored.key, kid, email } satisfies StoredAccount));
    return { key, kid };
  }
  if (stored.email !== email) {
    await client.post({ key, kid: stored.kid }, stored.kid, { contact: contact(email) });
    await cache.put(place, JSON.stringify({ ...stored, email } satisfies StoredAccount));
  }
  return { key, kid: stored.kid };
}

/** For when the authority no longer knows the account. */
export async function forgetAccount(
  url: string,
  cache: CertificateCache,
  eab: ExternalAccount | undefined,
): Promise<void> {
  await cache.delete(placeOf(url, eab));
}

async function register(client: AcmeClient, key: KeyObject, { email, eab }: AccountOptions): Promise<string> {
  const { newAccount, externalAccountRequired } = client.directory;
  if (externalAccountRequired && !eab)
    throw new AcmeError(
      "bad-setting",
      `${client.url} wants an external account binding: configure its kid and hmac key`,
    );
  const answer = await client.post({ key }, newAccount, {
    termsOfServiceAgreed: true,
    contact: contact(email),
    ...(eab && { externalAccountBinding: bindExternalAccount(eab, newAccount, key) }),
  });
  const kid = answer.headers.get("location");
  if (kid === null) throw new AcmeError("bad-answer", "the certificate authority gave the new account no URL");
  return kid;
}

function contact(email: string | undefined): string[] {
  return email === undefined ? [] : [`mailto:${email}`];
}

function placeOf(url: string, eab: ExternalAccount | undefined): string {
  return `account/${createHash("sha256")
    .update(`${url}\n${eab?.kid ?? ""}`)
    .digest("hex")
    .slice(0, 32)}`;
}

/** `undefined` for what is missing or damaged: a new account costs nothing. */
function parseStored(text: string | undefined): StoredAccount | undefined {
  try {
    const { key, kid, email } = JSON.parse(text ?? "");
    createPrivateKey(key);
    return { key, ...(typeof kid === "string" && { kid }), ...(typeof email === "string" && { email }) };
  } catch {
    return undefined;
  }
}
