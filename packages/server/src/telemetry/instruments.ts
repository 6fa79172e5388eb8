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
    mapResponsesGenerated: registry.counter({
      name: "headscale_mapresponse_generated_total",
      help: "Map responses built, by kind.",
      labels: ["response_type"],
    }),
    mapResponseBytes: registry.counter({
      name: "headscale_mapresponse_bytes_total",
      help: "Bytes of map responses as sent.",
      labels: ["type"],
    }),
    endpointUpdates: registry.counter({
      name: "headscale_mapresponse_endpoint_updates_total",
      help: "Reports of clients about their endpoints.",
      labels: ["status"],
    }),
    mapSessionsEnded: registry.counter({
      name: "headscale_mapresponse_ended_total",
      help: "Map streams that ended.",
      labels: ["reason"],
    }),
    mapSessions: registry.gauge({ name: "headscale_map_sessions", help: "Open map streams." }),
    noiseHandshakes: registry.counter({
      name: "headscale_noise_handshakes_total",
      help: "Noise handshakes with clients.",
      labels: ["result"],
    }),
    registrations: registry.counter({
      name: "headscale_registrations_total",
      help: "Nodes that asked to register.",
      labels: ["method", "result"],
    }),
    logins: registry.counter({
      name: "headscale_logins_total",
      help: "Logins that waited for somebody, by how they ended.",
      labels: ["result"],
    }),
  };
}

function stateInstruments(registry: MetricRegistry) {
  return {
    nodes: registry.gauge({ name: "headscale_nodestore_nodes", help: "Nodes there are." }),
    nodesOnline: registry.gauge({ name: "headscale_nodes_online", help: "Nodes connected to this server." }),
    users: registry.gauge({ name: "headscale_users", help: "Users there are." }),
    commits: registry.counter({
      name: "headscale_nodestore_operations_total",
      help: "Commands carried out, by kind of change.",
      labels: ["operation"],
    }),
    commitSeconds: registry.histogram({
      name: "headscale_nodestore_operation_duration_seconds",
      help: "From a command's arrival to its being durable.",
      labels: ["operation"],
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
    healthChecks: registry.counter({
      name: "headscale_route_probes_total",
      help: "Probes of routers that share a subnet.",
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
    certificates: registry.counter({
      name: "headscale_certificates_total",
      help: "Certificates asked for, by outcome.",
      labels: ["result"],
    }),
  };
}
