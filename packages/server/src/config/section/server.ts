import { isIP } from "node:net";
import { type Key, key, optional, type Reading } from "../key.ts";
import { flag, path } from "../kind/kind.ts";
import { serverUrl } from "../kind/web-url.ts";
import type { LocalAddress } from "../local-address.ts";
import type { Place } from "../place.ts";
import { deriveServerUrl, reconnectTrap } from "../server-url.ts";
import type { ListenConfig } from "./listen.ts";
import type { TlsConfig } from "./tls.ts";

export const serverKeys = {
  server_url: optional(
    serverUrl,
    { example: "https://headscale.example.com" },
    "The URL that clients are given. Use https:// with a name, or http:// with a private address: over http:// with a name, clients do not find back after a restart. Default: http:// with a private address of this machine, or https:// with the first tls_letsencrypt_hostname.",
  ),
  data_dir: optional(
    path,
    { derived: "./data" },
    "Where the database and the keys are kept unless their own key says otherwise. Default: data beside this file; /var/lib/headscale when the configuration is in /etc/headscale.",
  ),
  "noise.private_key_path": optional(
    path,
    { derived: "./data/noise_private.key" },
    "The key that clients know this server by. Made when missing; losing it means that every client has to log in again.",
  ),
  disable_check_updates: key(
    flag,
    "false",
    "Accepted for headscale's sake; this server never asks anybody for updates.",
  ),
} satisfies Record<string, Key<unknown>>;

export interface ServerConfig {
  /** Scheme, host and port, without a final slash. */
  readonly url: string;
  /** Host of `url`, lower-cased, IPv6 without brackets. */
  readonly host: string;
  /** Nobody wrote the URL down. */
  readonly urlIsDerived: boolean;
  readonly dataDir: string;
  readonly noiseKeyPath: string;
}

type ServerReading = Reading<typeof serverKeys>;

export interface ServerSurroundings {
  readonly place: Place;
  readonly listen: ListenConfig;
  readonly tls: TlsConfig;
  readonly localAddresses: readonly LocalAddress[];
}

export function serverSection(reading: ServerReading, around: ServerSurroundings): ServerConfig {
  const { value, remarks } = reading;
  const written = value.server_url;
  const derived = deriveServerUrl(around.listen, around.tls, around.localAddresses);
  const url = written ?? derived ?? "https://localhost";
  if (written === undefined && derived === undefined) {
    remarks.refuse(
      "server_url",
      "is missing: write https:// and the name that the certificate in tls_cert_path is for",
    );
  }
  if (written !== undefined) inspectUrl(written, around.tls, reading);
  return {
    url,
    host: new URL(url).hostname.replace(/^\[|\]$/g, ""),
    urlIsDerived: written === undefined,
    dataDir: around.place.dataDir,
    noiseKeyPath: around.place.resolveOr(value["noise.private_key_path"], "noise_private.key"),
  };
}

function inspectUrl(url: string, tls: TlsConfig, { remarks }: ServerReading): void {
  const trap = reconnectTrap(url);
  if (trap !== undefined) remarks.warn("server_url", trap);
  const isHttps = url.startsWith("https:");
  if (isHttps && tls.kind === "off") {
    remarks.note(
      "server_url",
      "starts with https:// and no certificate is configured here: a proxy in front must have one",
    );
  }
  if (!isHttps && tls.kind !== "off")
    remarks.warn("server_url", "starts with http:// although a certificate is configured: write https://");
  const { hostname } = new URL(url);
  if (tls.kind === "acme" && isIP(hostname) === 0 && !tls.names.includes(hostname)) {
    remarks.warn(
      "server_url",
      `names ${hostname}, which is not in tls_letsencrypt_hostname: clients will refuse the certificate`,
    );
  }
}
