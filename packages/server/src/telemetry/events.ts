import type { Telemetry } from "./telemetry.ts";

/** One function for each thing that happens: it writes the log line and the counter, so that the two never disagree. */

interface NodeRef {
  readonly id: number;
  readonly name: string;
}

const fieldsOf = ({ id, name }: NodeRef) => ({ node: id, name });

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

export function stunFailed(t: Telemetry, address: string, error: unknown): void {
  t.log.warn("STUN is not answered here: clients measure relays by HTTPS instead", { address, error });
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

const proxyDoubts = {
  "proxy-header-missing":
    "connections without a PROXY header are refused from an address that proxy_protocol names: let the balancer send one, or take it out of the list",
  "proxy-header-unasked":
    "connections with a PROXY header are refused from an address that proxy_protocol does not name: add it if it is your balancer",
  "proxy-untrusted":
    "requests forwarded by a proxy count as its own: name it in trusted_proxies, and the clients behind it are known by their addresses",
} as const;

export function proxyDoubtful(t: Telemetry, doubt: keyof typeof proxyDoubts, proxy: string): void {
  t.log.warn(proxyDoubts[doubt], { proxy });
}

export function noiseHandshakeFailed(t: Telemetry, error: unknown, source?: string): void {
  t.metrics.noiseFailures.add({});
  t.log.debug("Noise handshake failed", { error, source });
}

/** A statement of the database, without its values: secrets are among them. */
export function statementRun(t: Telemetry, sql: string): void {
  t.log.debug("statement", { sql });
}

/** A durable change, as the model announces it; the fields that a log line needs. */
export interface CommittedChange {
  /** Words of the audit log: `node-registered`, `policy-set`. */
  readonly kind: string;
  readonly id: number | string;
  readonly name: string | undefined;
  /** `undefined`: of the whole server. */
  readonly tailnet: string | undefined;
  readonly actor: string;
}

/** Changes that clients cause all the time and that nobody decided. */
const everyday = new Set(["node-hostname-reported", "node-refreshed", "auth-key-used"]);

export function changeCommitted(t: Telemetry, { kind, ...fields }: CommittedChange): void {
  t.metrics.changes.add({ operation: kind });
  t.log[everyday.has(kind) ? "debug" : "info"](kind.replaceAll("-", " "), fields);
}

export function nodePresence(
  t: Telemetry,
  { kind, ...fields }: Omit<CommittedChange, "actor"> & { readonly kind: "node-online" | "node-offline" },
): void {
  t.metrics.presence.add({ state: kind === "node-online" ? "online" : "offline" });
  t.log.info(kind.replaceAll("-", " "), fields);
}

export function registrationAnswered(
  t: Telemetry,
  result: string,
  machine: string,
  detail: string,
  source: string,
): void {
  t.metrics.registrations.add({ result });
  const level = result === "refused" ? "warn" : "info";
  t.log[level]("registration answered", { result, machine, detail, source });
}

export function mapStreamOpened(t: Telemetry, node: NodeRef): void {
  t.log.debug("map stream opened", fieldsOf(node));
}

/** `client`: the client closed it. `server`: the node was removed, connected again, or this server stops. */
export function mapStreamEnded(t: Telemetry, node: NodeRef, reason: "client" | "server" | "failed"): void {
  t.metrics.mapStreamsEnded.add({ reason });
  t.log.debug("map stream ended", { ...fieldsOf(node), reason });
}

/** Counted only: there are too many to log. */
export function mapMessageSent(t: Telemetry, type: "full" | "delta" | "keepalive", bytes: number): void {
  t.metrics.mapResponsesSent.add({ status: "success", type });
  t.metrics.mapResponseBytes.add({ type }, bytes);
}

export function routeProbed(t: Telemetry, node: NodeRef, isAlive: boolean): void {
  if (!isAlive) t.log.warn("router does not answer", { node: node.name });
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
  if (regions > 0) t.log.info("relay map loaded", { regions });
  else t.log.warn("the relay map is empty: clients find no relay, and do not finish connecting");
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

export function oidcReady(t: Telemetry, issuer: string): void {
  t.log.info("identity provider found", { issuer });
}

export function oidcUnavailable(t: Telemetry, issuer: string, reason: string): void {
  t.log.warn("identity provider not found, logins are approved by command until it is", { issuer, reason });
}

export function userInfoFailed(t: Telemetry, issuer: string, reason: string): void {
  t.log.warn("identity provider's UserInfo not read, the ID token has to do", { issuer, reason });
}

/** `who` is absent until the provider has vouched for somebody. */
export function signInRefused(
  t: Telemetry,
  code: string,
  reason: string,
  who: { readonly subject: string; readonly email: string | undefined } | undefined,
): void {
  t.metrics.authFailures.add({ kind: "oidc" });
  t.log.warn("sign-in refused", { code, reason, ...who });
}

export function certificateObtained(t: Telemetry, names: readonly string[], authority: string, until: Date): void {
  t.metrics.certificates.add({ result: "ok" });
  t.log.info("certificate obtained", { names, authority, until });
}

/** Another daemon on the same database ordered it. */
export function certificateAdopted(t: Telemetry, names: readonly string[], until: Date): void {
  t.metrics.certificates.add({ result: "adopted" });
  t.log.info("certificate taken over from another daemon", { names, until });
}

export function certificateFailed(
  t: Telemetry,
  names: readonly string[],
  authority: string,
  error: unknown,
  retryAt: Date,
): void {
  t.metrics.certificates.add({ result: "failed" });
  t.log.error("certificate not obtained", { names, authority, error, retryAt });
}

/** Harmless by itself: without the authority's advice, certificates are renewed by their age. */
export function renewalInfoFailed(t: Telemetry, authority: string, error: unknown): void {
  t.metrics.certificates.add({ result: "no-advice" });
  t.log.warn("the certificate authority did not say when to renew", { authority, error });
}

export function certificateCacheFailed(t: Telemetry, error: unknown): void {
  t.metrics.certificates.add({ result: "cache-failed" });
  t.log.error("certificates could not be read from or written to where they are kept", { error });
}

export function certificateReplaced(t: Telemetry, path: string, until: Date): void {
  t.metrics.certificates.add({ result: "ok" });
  t.log.info("certificate read", { path, until });
}

export function certificateRefused(t: Telemetry, path: string, error: unknown): void {
  t.metrics.certificates.add({ result: "refused" });
  t.log.error("certificate refused, the one before stays in force", { path, error });
}

/** Its dates or names are such that clients refuse it, or soon will. */
export function certificateDoubtful(t: Telemetry, path: string, says: string): void {
  t.metrics.certificates.add({ result: "doubtful" });
  t.log.warn(`the certificate ${says}`, { path });
}

export function relayLoginRefused(t: Telemetry, node: string | undefined, source: string): void {
  t.metrics.relayRefusals.add({});
  t.log.debug("relay login refused", { node, source });
}

/** Something that should not happen, told with its stack so that it can be mended. */
export function unexpectedError(t: Telemetry, where: string, error: unknown): void {
  t.log.error("unexpected error", { where, error, stack: error instanceof Error ? error.stack : undefined });
}
