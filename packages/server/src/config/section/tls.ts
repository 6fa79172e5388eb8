import { isIP } from "node:net";
import { type Key, key, optional, type Reading } from "../key.ts";
import { type Endpoint, endpoint } from "../kind/endpoint.ts";
import { choice, listOf, path, secret, text } from "../kind/kind.ts";
import { certificateName } from "../kind/network.ts";
import { webUrl } from "../kind/web-url.ts";
import type { Place } from "../place.ts";
import type { Secret } from "../secret.ts";
import type { ListenConfig } from "./listen.ts";

export const tlsKeys = {
  tls_letsencrypt_hostname: key(
    listOf(certificateName),
    [],
    "Get and renew a certificate for these names (or addresses) from Let's Encrypt: one or a list.",
  ),
  tls_letsencrypt_cache_dir: optional(
    path,
    { derived: "./data/acme" },
    "Where the account, keys and certificates are kept.",
  ),
  tls_letsencrypt_challenge_type: key(
    choice(["HTTP-01", "TLS-ALPN-01"]),
    "HTTP-01",
    "How the names are proved: HTTP-01 on port 80, or TLS-ALPN-01 on port 443.",
  ),
  tls_letsencrypt_listen: key(
    endpoint,
    ":http",
    "Where HTTP-01 is answered; everything else there is sent on to server_url.",
  ),
  redirect_listen_addr: optional(
    endpoint,
    { example: ":80" },
    "Where plain HTTP is sent on to server_url beside TLS-ALPN-01 or a certificate of your own. With HTTP-01, tls_letsencrypt_listen does that.",
  ),
  acme_url: key(webUrl, "https://acme-v02.api.letsencrypt.org/directory", "Directory of the certificate authority."),
  acme_fallback_url: optional(
    webUrl,
    { example: "https://acme.example.org/directory" },
    "Directory asked when the first one does not deliver.",
  ),
  acme_email: optional(text, { example: "ops@example.com" }, "Contact given to the certificate authority."),
  acme_profile: optional(
    text,
    { example: "shortlived" },
    "Certificate profile to ask for. Default: the authority's choice; shortlived for addresses.",
  ),
  acme_eab_key_id: optional(
    text,
    { example: "key-id-from-the-authority" },
    "External account binding, for authorities that ask for it: the key's id.",
  ),
  acme_eab_hmac_key: optional(
    secret,
    { example: "base64url-text-from-the-authority" },
    "External account binding: the MAC key. Better given as HEADSCALE_ACME_EAB_HMAC_KEY.",
  ),
  tls_cert_path: optional(
    path,
    { example: "/etc/headscale/tls.crt" },
    "Certificate chain (PEM) of your own; read again when it changes.",
  ),
  tls_key_path: optional(
    path,
    { example: "/etc/headscale/tls.key" },
    "Private key (PEM) that belongs to tls_cert_path.",
  ),
} satisfies Record<string, Key<unknown>>;

/** Where plain HTTP is answered beside HTTPS, with challenges and redirects; `undefined`: nowhere. */
type HttpListen = Endpoint | undefined;

export interface AcmeConfig {
  readonly kind: "acme";
  /** At least one; DNS names or IP addresses. */
  readonly names: readonly string[];
  readonly challenge: "HTTP-01" | "TLS-ALPN-01";
  readonly httpListen: HttpListen;
  readonly cacheDir: string;
  /** Asked in this order. */
  readonly directories: readonly [string, ...string[]];
  readonly email: string | undefined;
  readonly profile: string | undefined;
  readonly externalAccount: { readonly keyId: string; readonly hmacKey: Secret } | undefined;
}

export type TlsConfig =
  | { readonly kind: "off" }
  | { readonly kind: "files"; readonly certPath: string; readonly keyPath: string; readonly httpListen: HttpListen }
  | AcmeConfig;

type TlsReading = Reading<typeof tlsKeys>;

export function tlsSection(reading: TlsReading, place: Place, listen: ListenConfig): TlsConfig {
  const { value, remarks } = reading;
  const { tls_cert_path: certPath, tls_key_path: keyPath, tls_letsencrypt_hostname: names } = value;
  if (names.length > 0 && (certPath ?? keyPath) !== undefined) {
    remarks.refuse("tls_letsencrypt_hostname", "set either this or tls_cert_path and tls_key_path, not both");
  }
  if (certPath !== undefined && keyPath !== undefined) {
    return {
      kind: "files",
      certPath: place.resolve(certPath),
      keyPath: place.resolve(keyPath),
      httpListen: value.redirect_listen_addr,
    };
  }
  if (certPath !== undefined)
    remarks.refuse("tls_key_path", "is missing: write the private key that belongs to tls_cert_path");
  if (keyPath !== undefined)
    remarks.refuse("tls_cert_path", "is missing: write the certificate that belongs to tls_key_path");
  return names.length > 0 ? acme(reading, place, listen) : { kind: "off" };
}

function acme({ value, remarks }: TlsReading, place: Place, listen: ListenConfig): AcmeConfig {
  const names = [...new Set(value.tls_letsencrypt_hostname)];
  const challenge = value.tls_letsencrypt_challenge_type;
  if (challenge === "TLS-ALPN-01" && !listen.addresses.some(({ port }) => port === 443)) {
    remarks.warn(
      "tls_letsencrypt_challenge_type",
      "TLS-ALPN-01 is asked on port 443: listen_addr should end in :443, or port 443 be forwarded to it",
    );
  }
  const local = names.find((name) => isIP(name) === 0 && !name.includes("."));
  if (local !== undefined)
    remarks.warn("tls_letsencrypt_hostname", `no public authority gives a certificate to ${JSON.stringify(local)}`);
  return {
    kind: "acme",
    names,
    challenge,
    httpListen: challenge === "HTTP-01" ? value.tls_letsencrypt_listen : value.redirect_listen_addr,
    cacheDir: place.resolveOr(value.tls_letsencrypt_cache_dir, "acme"),
    directories: value.acme_fallback_url === undefined ? [value.acme_url] : [value.acme_url, value.acme_fallback_url],
    email: value.acme_email,
    profile: value.acme_profile,
    externalAccount: externalAccount({ value, remarks }),
  };
}

function externalAccount({ value, remarks }: Pick<TlsReading, "value" | "remarks">): AcmeConfig["externalAccount"] {
  const { acme_eab_key_id: keyId, acme_eab_hmac_key: hmacKey } = value;
  if (keyId !== undefined && hmacKey !== undefined) return { keyId, hmacKey };
  if (keyId !== undefined) remarks.refuse("acme_eab_hmac_key", "is missing: it comes with acme_eab_key_id");
  if (hmacKey !== undefined) remarks.refuse("acme_eab_key_id", "is missing: it comes with acme_eab_hmac_key");
  return undefined;
}
