import type { Prefix } from "@headscale/netip";
import { type Key, key, optional, type Reading } from "../key.ts";
import { type Endpoint, endpoint, formatEndpoint } from "../kind/endpoint.ts";
import { fileMode } from "../kind/file-mode.ts";
import { flag, listOf, path } from "../kind/kind.ts";
import { trustedPrefix } from "../kind/network.ts";
import type { Place } from "../place.ts";

export const listenKeys = {
  listen_addr: key(
    listOf(endpoint),
    ["0.0.0.0:8080", "[::]:8080"],
    "Where clients, the API and the web pages are served: one address or a list.",
  ),
  metrics_listen_addr: optional(
    endpoint,
    { example: "127.0.0.1:9090" },
    "Where /metrics and /debug are served. Empty: nowhere.",
  ),
  metrics_allowed_sources: key(
    listOf(trustedPrefix),
    [],
    "Who besides this machine itself may read /metrics and /debug.",
  ),
  grpc_listen_addr: optional(
    endpoint,
    { example: ":50443" },
    "A second address for the API, for command lines set up for headscale 0.29. Not needed: listen_addr serves gRPC too. Opened only with TLS or with grpc_allow_insecure.",
  ),
  grpc_allow_insecure: key(
    flag,
    "false",
    "Serve clear text on grpc_listen_addr, beside TLS if there is any: API keys can be read on the way.",
  ),
  trusted_proxies: key(
    listOf(trustedPrefix),
    [],
    "Reverse proxies whose X-Forwarded-For header is believed, or in its absence Forwarded, X-Real-IP, True-Client-IP. From others they are removed.",
  ),
  proxy_protocol: key(
    listOf(trustedPrefix),
    [],
    "Load balancers that speak the PROXY protocol (v1 or v2). From them it is mandatory, from others not understood.",
  ),
  unix_socket: optional(
    path,
    { derived: "./data/headscale.sock" },
    "The socket that headscalectl on this machine uses; whoever may open it is an administrator. Default: in data_dir; /var/run/headscale/headscale.sock when the configuration is in /etc/headscale.",
  ),
  unix_socket_permission: key(fileMode, "0770", "Permission bits of the socket."),
} satisfies Record<string, Key<unknown>>;

export interface TcpListener extends Endpoint {
  /** Set where an IPv4 wildcard holds the same port, which a dual-stack socket would collide with. */
  readonly ipv6Only: boolean;
}

export interface ListenConfig {
  readonly addresses: readonly TcpListener[];
  /** Nobody wrote the addresses down, so one family may be missing on this machine. */
  readonly isDefault: boolean;
  readonly metrics: Endpoint | undefined;
  /** In addition to loopback. */
  readonly metricsAllowedSources: readonly Prefix[];
  readonly grpc: Endpoint | undefined;
  readonly grpcAllowInsecure: boolean;
  readonly trustedProxies: readonly Prefix[];
  readonly proxyProtocolSources: readonly Prefix[];
  readonly unixSocket: string;
  readonly unixSocketMode: number;
}

export function listenSection({ value, stated, remarks }: Reading<typeof listenKeys>, place: Place): ListenConfig {
  const endpoints = value.listen_addr;
  if (endpoints.length === 0) remarks.refuse("listen_addr", "must name at least one address, such as 0.0.0.0:8080");
  const seen = new Set(endpoints.map(formatEndpoint));
  if (seen.size < endpoints.length) remarks.refuse("listen_addr", "names the same address twice");
  const unixSocket = place.socket(value.unix_socket);
  if (unixSocket === undefined)
    remarks.refuse("unix_socket", "is too long, the system allows 107 bytes: write a shorter path");
  return {
    addresses: endpoints.map((one) => ({ ...one, ipv6Only: one.host === "::" && seen.has(`0.0.0.0:${one.port}`) })),
    isDefault: !stated.has("listen_addr"),
    metrics: value.metrics_listen_addr,
    metricsAllowedSources: value.metrics_allowed_sources,
    grpc: value.grpc_listen_addr,
    grpcAllowInsecure: value.grpc_allow_insecure,
    trustedProxies: value.trusted_proxies,
    proxyProtocolSources: value.proxy_protocol,
    unixSocket: unixSocket ?? "",
    unixSocketMode: value.unix_socket_permission,
  };
}
