import type { IncomingMessage, ServerResponse } from "node:http";
import { getRequestListener } from "@hono/node-server";
import type { Config } from "#config/config.ts";
import type { Endpoint } from "#config/kind/endpoint.ts";
import { activatedSockets } from "#edge/activation.ts";
import { createEdge, type Edge } from "#edge/edge.ts";
import { EdgeError } from "#edge/edge-error.ts";
import { port80Handler } from "#edge/port-80.ts";
import { requestOrigin } from "#edge/request-origin.ts";
import type { Live } from "#live/live.ts";
import { createMetricsApp, type DebugPage } from "#public/metrics-app.ts";
import { listening } from "#telemetry/events.ts";
import type { Telemetry } from "#telemetry/telemetry.ts";
import { edgeLimits } from "./limits.ts";

const tcp = ({ host, port, ipv6Only = false }: Endpoint & { readonly ipv6Only?: boolean }) =>
  ({ kind: "tcp", port, ipv6Only, ...(host !== undefined && { host }) }) as const;

/** Opens the main addresses (or those that systemd opened) and the unix socket. @throws {EdgeError} */
export async function openMainListeners(edge: Edge, { listen }: Config, telemetry: Telemetry): Promise<void> {
  const inherited = activatedSockets(process.env, process.pid);
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

/** The listener for HTTP-01 challenges and redirects, and the one for gRPC that older configurations name. */
export async function openSideListeners(
  config: Config,
  main: Edge,
  http01: ((token: string) => Promise<string | undefined>) | undefined,
  telemetry: Telemetry,
): Promise<AsyncDisposable> {
  const parts = new AsyncDisposableStack();
  if (config.listen.grpc) listening(telemetry, "gRPC", (await main.listen(tcp(config.listen.grpc))).shown);
  if (http01 && config.tls.kind === "acme") {
    const request = port80Handler({ serverUrl: config.server.url, http01 });
    const edge = createEdge({ request, limits: edgeLimits(config) });
    parts.defer(() => edge.close());
    listening(telemetry, "certificate challenges", (await edge.listen(tcp(config.tls.httpListen))).shown);
  }
  return parts;
}

/** Metrics and debug pages, near callers only. */
export async function openMetricsListener(config: Config, live: Live, telemetry: Telemetry): Promise<AsyncDisposable> {
  const parts = new AsyncDisposableStack();
  const { metrics, metricsAllowedSources } = config.listen;
  if (!metrics) return parts;
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
  const edge = createEdge({
    request: (request, response) => listener(request as IncomingMessage, response as ServerResponse),
    limits: edgeLimits(config),
  });
  parts.defer(() => edge.close());
  listening(telemetry, "metrics", (await edge.listen(tcp(metrics))).shown);
  return parts;
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
