import type { MetricRegistry } from "./metric-registry.ts";

export type Instruments = ReturnType<typeof createInstruments>;

/**
 * Every metric of the daemon's own. Names that headscale has too are headscale's, so that its dashboards keep working
 * (hscontrol/metrics.go and hscontrol/state/node_store.go@f20f1f12). Label values come from closed sets.
 */
export function createInstruments(registry: MetricRegistry) {
  return { ...sessionInstruments(registry), ...stateInstruments(registry), ...edgeInstruments(registry) };
}

function sessionInstruments(registry: MetricRegistry) {
  return {
    mapResponsesSent: registry.counter({
      name: "headscale_mapresponse_sent_total",
      help: "Map responses handed to clients.",
      labels: ["status", "type"],
    }),
    mapResponseBytes: registry.counter({
      name: "headscale_mapresponse_bytes_total",
      help: "Bytes of map responses as sent.",
      labels: ["type"],
    }),
    mapStreamsEnded: registry.counter({
      name: "headscale_mapresponse_ended_total",
      help: "Map streams that ended.",
      labels: ["reason"],
    }),
    mapStreams: registry.gauge({ name: "headscale_map_streams", help: "Open map streams." }),
    noiseConnections: registry.gauge({ name: "headscale_noise_connections", help: "Noise connections with clients." }),
    noiseFailures: registry.counter({
      name: "headscale_noise_handshakes_failed_total",
      help: "Noise handshakes that came to nothing.",
    }),
    registrations: registry.counter({
      name: "headscale_registrations_total",
      help: "Requests to register, by answer.",
      labels: ["result"],
    }),
  };
}

function stateInstruments(registry: MetricRegistry) {
  return {
    nodes: registry.gauge({ name: "headscale_nodestore_nodes", help: "Nodes there are." }),
    users: registry.gauge({ name: "headscale_users", help: "Users there are." }),
    queueDepth: registry.gauge({ name: "headscale_nodestore_queue_depth", help: "Commands that wait to be written." }),
    changes: registry.counter({
      name: "headscale_nodestore_operations_total",
      help: "Durable changes, by kind.",
      labels: ["operation"],
    }),
    presence: registry.counter({
      name: "headscale_node_presence_changes_total",
      help: "Nodes that came or went.",
      labels: ["state"],
    }),
    policyLoads: registry.counter({
      name: "headscale_policy_loads_total",
      help: "Policies read, by outcome.",
      labels: ["result"],
    }),
    derpMapLoads: registry.counter({
      name: "headscale_derp_map_loads_total",
      help: "Relay maps read, by outcome.",
      labels: ["result"],
    }),
  };
}

function edgeInstruments(registry: MetricRegistry) {
  return {
    buildInfo: registry.gauge({
      name: "headscale_build_info",
      help: "Always 1; what runs.",
      labels: ["version", "node"],
    }),
    httpRequests: registry.counter({
      name: "headscale_http_requests_total",
      help: "HTTP requests, by route and status.",
      labels: ["route", "method", "code"],
    }),
    httpSeconds: registry.histogram({
      name: "headscale_http_request_duration_seconds",
      help: "Time to answer, streams left out.",
      labels: ["route"],
    }),
    apiCalls: registry.counter({
      name: "headscale_api_calls_total",
      help: "Calls of the admin API.",
      labels: ["procedure", "code"],
    }),
    apiSeconds: registry.histogram({
      name: "headscale_api_call_duration_seconds",
      help: "Time to answer a call, streams left out.",
      labels: ["procedure"],
    }),
    refusedConnections: registry.counter({
      name: "headscale_refused_connections_total",
      help: "Connections closed before they asked anything.",
      labels: ["reason"],
    }),
    authFailures: registry.counter({
      name: "headscale_auth_failures_total",
      help: "Credentials that were not accepted.",
      labels: ["kind"],
    }),
    relayClients: registry.gauge({ name: "headscale_relay_clients", help: "Clients of the built-in relay." }),
    relayRefusals: registry.counter({
      name: "headscale_relay_logins_refused_total",
      help: "Logins to the built-in relay by nodes that are not of this server.",
    }),
    certificates: registry.counter({
      name: "headscale_certificates_total",
      help: "Certificates asked for, by outcome.",
      labels: ["result"],
    }),
  };
}
