import { createHash, createHmac, createPublicKey, type KeyObject, sign } from "node:crypto";

/** Flattened JSON Web Signature (RFC 7515 §7.2.2). */
export interface Jws {
  readonly protected: string;
  readonly payload: string;
  readonly signature: string;
}

/** The public half of an account key, members in the order RFC 7638 §3.2 hashes them. */
export interface Jwk {
  readonly crv: string;
  readonly kty: string;
  readonly x: string;
  readonly y: string;
}

/** What newAccount is bound with when the authority wants a customer number (RFC 8555 §7.3.4). */
export interface ExternalAccount {
  readonly kid: string;
  /** The MAC key as the authority hands it out: base64url. */
  readonly hmacKey: string;
}

const base64url = (text: string) => Buffer.from(text).toString("base64url");

/** Signs with ES256. `payload` undefined makes the empty payload of a POST-as-GET (RFC 8555 §6.3). */
export function signJws(key: KeyObject, header: Readonly<Record<string, unknown>>, payload?: unknown): Jws {
  const head = base64url(JSON.stringify({ alg: "ES256", ...header }));
  const body = payload === undefined ? "" : base64url(JSON.stringify(payload));
  const signature = sign("sha256", Buffer.from(`${head}.${body}`), { key, dsaEncoding: "ieee-p1363" });
  return { protected: head, payload: body, signature: signature.toString("base64url") };
}

/** The `externalAccountBinding` of newAccount: the account's public key under the customer's MAC key. */
export function bindExternalAccount({ kid, hmacKey }: ExternalAccount, url: string, accountKey: KeyObject): Jws {
  const head = base64url(JSON.stringify({ alg: "HS256", kid, url }));
  const body = base64url(JSON.stringify(publicJwk(accountKey)));
  const mac = createHmac("sha256", Buffer.from(hmacKey, "base64url")).update(`${head}.${body}`);
  return { protected: head, payload: body, signature: mac.digest("base64url") };
}

export function publicJwk(key: KeyObject): Jwk {
  const { crv = "", kty = "", x = "", y = "" } = createPublicKey(key).export({ format: "jwk" });
  return { crv, kty, x, y };
}

/** `token.thumbprint`: proves that whoever answers the challenge holds the account key (RFC 8555 §8.1). */
export function keyAuthorization(key: KeyObject, token: string): string {
  const thumbprint = createHash("sha256")
    .update(JSON.stringify(publicJwk(key)))
    .digest("base64url");
  return `${token}.${thumbprint}`;
}
