import type { Telemetry } from "./telemetry.ts";

/** One function for each thing that happens: it writes the log line and the counter, so that the two never disagree. */

interface NodeRef {
  readonly id: number | bigint | string;
  readonly name: string;
  readonly user?: string | undefined;
}

const fieldsOf = ({ id, name, user }: NodeRef) => ({ node: String(id), name, user });

export function daemonStarted(t: Telemetry, facts: { readonly version: string; readonly url: string }): void {
  t.metrics.buildInfo.set({ version: facts.version, node: process.version }, 1);
  t.log.info("started", facts);
}

export function daemonStopping(t: Telemetry, why: string): void {
  t.log.info("stopping", { why });
}

export function listening(t: Telemetry, what: string, address: string): void {
  t.log.info("listening", { what, address });
}

export function configurationRemark(t: Telemetry, level: "info" | "warn", key: string, says: string): void {
  t.log[level](`configuration: ${key} ${says}`);
}

export function connectionRefused(
  t: Telemetry,
  reason: "too-many" | "too-many-from-address" | "slow" | "garbled" | "flood",
  source?: string,
): void {
  t.metrics.refusedConnections.add({ reason });
  t.log.debug("connection refused", { reason, source });
}

export function noiseHandshakeDone(
  t: Telemetry,
  peer: { readonly machineKey: string; readonly version: number; readonly source?: string | undefined },
): void {
  t.metrics.noiseHandshakes.add({ result: "ok" });
  t.log.debug("client connected", peer);
}

export function noiseHandshakeFailed(t: Telemetry, error: unknown, source?: string): void {
  t.metrics.noiseHandshakes.add({ result: "failed" });
  t.log.debug("Noise handshake failed", { error, source });
}

export type RegistrationMethod = "auth-key" | "web" | "oidc" | "api" | "relogin";

export function nodeRegistered(t: Telemetry, node: NodeRef, method: RegistrationMethod): void {
  t.metrics.registrations.add({ method, result: "ok" });
  t.log.info("node registered", { ...fieldsOf(node), method });
}

export function registrationRefused(t: Telemetry, method: RegistrationMethod, error: unknown, source?: string): void {
  t.metrics.registrations.add({ method, result: "refused" });
  t.log.warn("registration refused", { method, error, source });
}

export function loginWaiting(t: Telemetry, authId: string, hostname: string): void {
  t.metrics.logins.add({ result: "waiting" });
  t.log.info("login waits for approval", { authId, hostname });
}

export function loginEnded(t: Telemetry, authId: string, result: "approved" | "rejected" | "expired"): void {
  t.metrics.logins.add({ result });
  t.log.info("login ended", { authId, result });
}

export function nodeRemoved(t: Telemetry, node: NodeRef, why: "deleted" | "ephemeral" | "logged-out"): void {
  t.log.info("node removed", { ...fieldsOf(node), why });
}

export function nodeExpired(t: Telemetry, node: NodeRef): void {
  t.log.info("node key expired", fieldsOf(node));
}

export function mapSessionStarted(t: Telemetry, node: NodeRef): void {
  t.metrics.mapSessions.add({}, 1);
  t.log.debug("map stream opened", fieldsOf(node));
}

export function mapSessionEnded(
  t: Telemetry,
  node: NodeRef,
  reason: "closed" | "replaced" | "stopped" | "slow" | "failed",
  error?: unknown,
): void {
  t.metrics.mapSessions.add({}, -1);
  t.metrics.mapSessionsEnded.add({ reason });
  t.log.debug("map stream ended", { ...fieldsOf(node), reason, error });
}

export type MapResponseKind = "full" | "delta" | "patch" | "keepalive" | "ping";

export function mapResponseSent(t: Telemetry, type: MapResponseKind, bytes: number): void {
  t.metrics.mapResponsesGenerated.add({ response_type: type });
  t.metrics.mapResponsesSent.add({ status: "success", type });
  t.metrics.mapResponseBytes.add({ type }, bytes);
}

export function mapResponseFailed(t: Telemetry, type: MapResponseKind, node: NodeRef, error: unknown): void {
  t.metrics.mapResponsesSent.add({ status: "error", type });
  t.log.error("map response failed", { ...fieldsOf(node), type, error });
}

export function endpointsReported(t: Telemetry, isNews: boolean): void {
  t.metrics.endpointUpdates.add({ status: isNews ? "ok" : "unchanged" });
}

export function commandCommitted(t: Telemetry, operation: string, seconds: number): void {
  t.metrics.commits.add({ operation });
  t.metrics.commitSeconds.observe({ operation }, seconds);
  t.log.debug("committed", { operation, seconds });
}

export function commitFailed(t: Telemetry, operation: string, error: unknown): void {
  t.metrics.commits.add({ operation: "failed" });
  t.log.error("commit failed", { operation, error });
}

export function policyLoaded(t: Telemetry, source: string): void {
  t.metrics.policyLoads.add({ result: "ok" });
  t.log.info("policy loaded", { source });
}

export function policyRefused(t: Telemetry, source: string, error: unknown): void {
  t.metrics.policyLoads.add({ result: "refused" });
  t.log.error("policy refused, the one before stays in force", { source, error });
}

export function derpMapLoaded(t: Telemetry, regions: number): void {
  t.metrics.derpMapLoads.add({ result: "ok" });
  t.log.info("relay map loaded", { regions });
}

export function derpMapFailed(t: Telemetry, source: string, error: unknown): void {
  t.metrics.derpMapLoads.add({ result: "failed" });
  t.log.warn("relay map not loaded, the one before stays in force", { source, error });
}

export function extraRecordsLoaded(t: Telemetry, path: string, records: number): void {
  t.log.info("extra DNS records loaded", { path, records });
}

export function extraRecordsRefused(t: Telemetry, path: string, error: unknown): void {
  t.log.warn("extra DNS records refused, the ones before stay in force", { path, error });
}

export function routeProbed(t: Telemetry, node: NodeRef, isAlive: boolean): void {
  t.metrics.healthChecks.add({ result: isAlive ? "alive" : "silent" });
  if (!isAlive) t.log.warn("router does not answer", fieldsOf(node));
}

export function httpAnswered(
  t: Telemetry,
  request: { readonly route: string; readonly method: string; readonly status: number; readonly seconds: number },
): void {
  t.metrics.httpRequests.add({ route: request.route, method: request.method, code: String(request.status) });
  t.metrics.httpSeconds.observe({ route: request.route }, request.seconds);
  if (request.status >= 500) t.log.error("request failed", request);
  else t.log.trace("request", request);
}

export function apiCalled(
  t: Telemetry,
  call: {
    readonly procedure: string;
    readonly code: string;
    readonly seconds: number;
    readonly actor?: string | undefined;
  },
): void {
  t.metrics.apiCalls.add({ procedure: call.procedure, code: call.code });
  t.metrics.apiSeconds.observe({ procedure: call.procedure }, call.seconds);
  t.log.debug("API call", call);
}

export function credentialRefused(
  t: Telemetry,
  kind: "api-key" | "auth-key" | "oidc" | "oauth",
  source?: string,
): void {
  t.metrics.authFailures.add({ kind });
  t.log.warn("credential refused", { kind, source });
}

export function certificateObtained(t: Telemetry, names: readonly string[], validUntil: Date): void {
  t.metrics.certificates.add({ result: "ok" });
  t.log.info("certificate obtained", { names, validUntil });
}

export function certificateFailed(t: Telemetry, names: readonly string[], error: unknown): void {
  t.metrics.certificates.add({ result: "failed" });
  t.log.error("certificate not obtained", { names, error });
}

/** Something that should not happen, told with its stack so that it can be mended. */
export function unexpectedError(t: Telemetry, where: string, error: unknown): void {
  t.log.error("unexpected error", { where, error, stack: error instanceof Error ? error.stack : undefined });
}
