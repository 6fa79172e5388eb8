import type { Remarks } from "./config-error.ts";
import { type Endpoint, formatEndpoint } from "./kind/endpoint.ts";
import type { ListenConfig } from "./section/listen.ts";
import type { TlsConfig } from "./section/tls.ts";

/** What the addresses to listen on mean together. */
export function checkListeners(listen: ListenConfig, tls: TlsConfig, remarks: Remarks): void {
  if (listen.grpc && tls.kind === "off" && !listen.grpcAllowInsecure) {
    remarks.note(
      "grpc_listen_addr",
      "is not opened: without TLS, API keys could be read on the way. Write grpc_allow_insecure: true if that is all right, or delete it: listen_addr serves gRPC too",
    );
  }
  const others: readonly (readonly [key: string, endpoint: Endpoint | undefined])[] = [
    ["grpc_listen_addr", listen.grpc],
    ["metrics_listen_addr", listen.metrics],
    [httpKey(tls), tls.kind === "off" ? undefined : tls.httpListen],
  ];
  const taken: [key: string, endpoint: Endpoint][] = listen.addresses.map((one) => ["listen_addr", one]);
  for (const [key, endpoint] of others) {
    if (!endpoint) continue;
    const [before] = taken.find(([, one]) => collide(one, endpoint)) ?? [];
    if (before !== undefined)
      remarks.refuse(
        key,
        `${formatEndpoint(endpoint)} is taken by ${before} already: choose another port, or delete it`,
      );
    taken.push([key, endpoint]);
  }
}

function httpKey(tls: TlsConfig): string {
  return tls.kind === "acme" && tls.challenge === "HTTP-01" ? "tls_letsencrypt_listen" : "redirect_listen_addr";
}

const wildcards = new Set([undefined, "0.0.0.0", "::"]);

/** Port 0 is another one each time. */
function collide(one: Endpoint, other: Endpoint): boolean {
  if (one.port !== other.port || one.port === 0) return false;
  return one.host === other.host || wildcards.has(one.host) || wildcards.has(other.host);
}
