import { isIP } from "node:net";
import { isPrivateIpv4, type LocalAddress, reachableAddress } from "./local-address.ts";
import type { ListenConfig } from "./section/listen.ts";
import type { TlsConfig } from "./section/tls.ts";

const wildcards = new Set([undefined, "0.0.0.0", "::"]);

/**
 * The URL for clients when nobody wrote one. Over plain HTTP it names an address, never a host name: clients that redial
 * within two minutes force HTTPS on port 443 unless the host is a private or loopback address.
 * Source: tailscale control/controlhttp/client.go@de9ec7ee.
 * `undefined` where only a person can know the name (TLS with a certificate of one's own).
 */
export function deriveServerUrl(
  listen: ListenConfig,
  tls: TlsConfig,
  local: readonly LocalAddress[],
): string | undefined {
  const { host, port } = listen.addresses.find((one) => wildcards.has(one.host)) ??
    listen.addresses[0] ?? { host: undefined, port: 8080 };
  if (tls.kind === "files") return undefined;
  if (tls.kind === "acme") return `https://${urlHost(tls.names[0] ?? "localhost")}${port === 443 ? "" : `:${port}`}`;
  const name = host === undefined || wildcards.has(host) ? (reachableAddress(local) ?? "127.0.0.1") : host;
  return `http://${urlHost(name)}${port === 80 ? "" : `:${port}`}`;
}

function urlHost(host: string): string {
  return isIP(host) === 6 ? `[${host}]` : host;
}

/** The sentence that an `http://` URL deserves when clients could not come back through it; `undefined` when it is fine. */
export function reconnectTrap(serverUrl: string): string | undefined {
  const { protocol, hostname, host } = new URL(serverUrl);
  if (protocol !== "http:" || staysOnHttp(hostname)) return undefined;
  return (
    `clients connect to ${serverUrl} once, but after a restart or a lost connection they dial https://${hostname}:443 only, ` +
    `and do not come back. Write https:// with a certificate (tls_letsencrypt_hostname, or a proxy that has one), ` +
    `or name a private address of this machine, such as http://${host.replace(hostname, "192.168.1.10")}`
  );
}

/** Hosts for which clients never try HTTPS. 100.64.0.0/10 is not among them, nor is any name but `localhost`. */
function staysOnHttp(hostname: string): boolean {
  if (hostname === "localhost") return true;
  const host = hostname.replace(/^\[|\]$/g, "");
  if (isIP(host) === 4) return isPrivateIpv4(host) || host.startsWith("127.");
  return isIP(host) === 6 && (host === "::1" || /^f[cd]/i.test(host));
}
