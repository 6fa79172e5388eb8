import type { IncomingMessage, ServerResponse } from "node:http";
import { getRequestListener } from "@hono/node-server";
import type { Config } from "#config/config.ts";
import type { Endpoint } from "#config/kind/endpoint.ts";
import { activatedSockets } from "#edge/activation.ts";
import { createEdge, type Edge } from "#edge/edge.ts";
import { EdgeError } from "#edge/edge-error.ts";
import type { ListenAddress } from "#edge/listen-address.ts";
import { port80Handler } from "#edge/port-80.ts";
import { requestOrigin } from "#edge/request-origin.ts";
import type { Live } from "#live/live.ts";
import { createMetricsApp, type DebugPage } from "#public/metrics-app.ts";
import { listening } from "#telemetry/events.ts";
import type { Telemetry } from "#telemetry/telemetry.ts";
import { edgeEvents } from "./edge-events.ts";
import { edgeLimits } from "./limits.ts";

const tcp = ({ host, port, ipv6Only = false }: Endpoint & { readonly ipv6Only?: boolean }) =>
  ({ kind: "tcp", port, ipv6Only, ...(host !== undefined && { host }) }) as const;

/** All that listens. It stops accepting together, before anything waits for what is in flight. */
export class Edges implements AsyncDisposable {
  readonly #edges: Edge[] = [];

  add(edge: Edge): Edge {
    this.#edges.push(edge);
    return edge;
  }

  async close(graceMs?: number): Promise<void> {
    await Promise.all(this.#edges.map((edge) => edge.close(graceMs)));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** `FileDescriptorName=` of sockets from systemd that are not for clients; whatever else it calls one is. */
type SideSocket = "http" | "metrics" | "grpc";
const sideSockets: ReadonlySet<string> = new Set<SideSocket>(["http", "metrics", "grpc"]);

function handedOver(): ReturnType<typeof activatedSockets> {
  return activatedSockets(process.env, process.pid);
}

/** What systemd opened under this name, else what the configuration says. */
function sideAddress(name: SideSocket, configured: Endpoint | undefined): ListenAddress | undefined {
  return handedOver().find((socket) => socket.name === name) ?? (configured && tcp(configured));
}

/** Opens the main addresses (or those that systemd opened) and the unix socket. @throws {EdgeError} */
export async function openMainListeners(edge: Edge, { listen }: Config, telemetry: Telemetry): Promise<void> {
  const inherited = handedOver().filter(({ name }) => !sideSockets.has(name));
  const opened = inherited.length > 0 ? inherited : listen.addresses.map(tcp);
  let failed: unknown;
  let open = 0;
  for (const address of opened) {
    try {
      listening(telemetry, "clients", (await edge.listen(address)).shown);
      open++;
    } catch (error) {
      // Addresses that nobody wrote down may be missing: a machine without IPv6.
      if (!(listen.isDefault && error instanceof EdgeError && error.code === "address-unavailable")) throw error;
      failed = error;
    }
  }
  if (open === 0) throw failed;
  const { shown } = await edge.listen({ kind: "unix", path: listen.unixSocket, mode: listen.unixSocketMode });
  listening(telemetry, "command line", shown);
}

/** The address for gRPC that older configurations name: the main edge again, in clear text when told so. */
export async function openGrpcListener(main: Edge, { listen, tls }: Config, telemetry: Telemetry): Promise<void> {
  const address = sideAddress("grpc", listen.grpc);
  if (!address || (tls.kind === "off" && !listen.grpcAllowInsecure)) return;
  const { shown } = await main.listen(address, listen.grpcAllowInsecure ? "serve" : undefined);
  listening(telemetry, "gRPC", shown);
}

/** Plain HTTP beside HTTPS: HTTP-01 challenges, the captive-portal check, redirects. */
export async function openHttpListener(
  config: Config,
  edges: Edges,
  http01: ((token: string) => Promise<string | undefined>) | undefined,
  telemetry: Telemetry,
): Promise<void> {
  if (config.tls.kind === "off") return;
  const address = sideAddress("http", config.tls.httpListen);
  if (!address) return;
  const edge = edges.add(
    createEdge({
      request: port80Handler({ serverUrl: config.server.url, ...(http01 && { http01 }) }),
      proxyProtocol: config.listen.proxyProtocolSources,
      limits: edgeLimits(config),
      onEvent: edgeEvents(telemetry),
    }),
  );
  listening(telemetry, "plain HTTP", (await edge.listen(address)).shown);
}

/** Metrics and debug pages, near callers only. */
export async function openMetricsListener(
  config: Config,
  edges: Edges,
  live: Live,
  telemetry: Telemetry,
): Promise<void> {
  const { metrics, metricsAllowedSources } = config.listen;
  const address = sideAddress("metrics", metrics);
  if (!address) return;
  const app = createMetricsApp({
    metrics: () => ({ text: telemetry.registry.render(), contentType: "text/plain; version=0.0.4; charset=utf-8" }),
    debugPages: debugPages(live),
    allowedSources: metricsAllowedSources,
  });
  const fetch: Parameters<typeof getRequestListener>[0] = (request, { incoming }) => {
    const origin = requestOrigin(incoming);
    return app.fetch(request, { remoteAddress: origin?.peer, isForwarded: origin?.forwarded });
  };
  const listener = getRequestListener(fetch, { overrideGlobalObjects: false });
  const edge = edges.add(
    createEdge({
      request: (request, response) => listener(request as IncomingMessage, response as ServerResponse),
      limits: edgeLimits(config),
      onEvent: edgeEvents(telemetry),
    }),
  );
  listening(telemetry, "metrics", (await edge.listen(address)).shown);
}

/** What an operator may look at; no secret is in the live state. */
function debugPages(live: Live): Readonly<Record<string, DebugPage>> {
  return {
    overview: () => ({
      tailnets: live.world.tailnets.size,
      users: live.world.users.size,
      nodes: live.world.nodes.size,
      mapStreams: [...live.tailnets].reduce((sum, tailnet) => sum + tailnet.sessions.count, 0),
      waitingLogins: live.world.authRequests.size,
      waitingCommands: live.backlog,
    }),
    derp: () => live.derpMap,
    routes: () =>
      Object.fromEntries(
        [...live.tailnets].map((tailnet) => [tailnet.id, Object.fromEntries(tailnet.routers.primaries)]),
      ),
  };
}
