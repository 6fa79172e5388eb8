import type { Store } from "@headscale/store";
import { defaultTailnetId, usersOf } from "@headscale/tailnet";
import { apiMetrics } from "#assembly/api-metrics.ts";
import { readBuildInfo } from "#assembly/build-info.ts";
import { type Certificates, openCertificates } from "#assembly/certificates.ts";
import { startChores } from "#assembly/chores.ts";
import { withChosenPort } from "#assembly/chosen-port.ts";
import { controlEvents } from "#assembly/control-events.ts";
import { createDoors, type Doors } from "#assembly/doors.ts";
import { edgeEvents } from "#assembly/edge-events.ts";
import { innerHttp2 } from "#assembly/inner-http2.ts";
import { readOrMakeKey } from "#assembly/key-file.ts";
import { adminLimits, controlLimits, edgeLimits } from "#assembly/limits.ts";
import {
  Edges,
  openGrpcListener,
  openHttpListener,
  openMainListeners,
  openMetricsListener,
} from "#assembly/listeners.ts";
import { observeLive } from "#assembly/observe-live.ts";
import { authorityOf, openProvider } from "#assembly/oidc.ts";
import { openStore } from "#assembly/open-store.ts";
import { ctl, publicDeps } from "#assembly/public-deps.ts";
import type { EmbeddedRelay } from "#assembly/relay.ts";
import {
  openBootstrapDns,
  openDerpMaps,
  openRelay,
  pinnedCertificateFor,
  regionOf,
  relayEndpoints,
} from "#assembly/relay-door.ts";
import { startLive } from "#assembly/start-live.ts";
import { PresentedKeys } from "#auth/presented-keys.ts";
import type { Config } from "#config/config.ts";
import { startupBanner } from "#config/startup-banner.ts";
import { Control } from "#control/control.ts";
import { addressGroup } from "#edge/addresses.ts";
import { createEdge, type Edge } from "#edge/edge.ts";
import { clientAddress, requestOrigin } from "#edge/request-origin.ts";
import { ExtraRecords } from "#live/extra-records.ts";
import { HistoryKeeper } from "#live/history-keeper.ts";
import { KeyUses } from "#live/key-uses.ts";
import type { Live } from "#live/live.ts";
import { PolicyKeeper } from "#live/policy-keeper.ts";
import * as events from "#telemetry/events.ts";
import type { Telemetry } from "#telemetry/telemetry.ts";

/** A running server. Disposing it stops accepting, lets what is in flight finish within a bound, and writes what is in memory. */
export interface Daemon extends AsyncDisposable {
  readonly live: Live;
  /** Everything that is served outside Noise. */
  readonly routes: Doors["routes"];
  /** What a person is told when it is up. */
  readonly banner: string;
  /** Reads again what can be read again while running: the policy file, the certificate, the relay maps. */
  reload(): Promise<void>;
  /** Ends at once whatever a graceful stop still waits for. */
  kill(): Promise<void>;
}

/** Builds everything and opens the listeners. @throws with a sentence that names what is wrong */
export async function startDaemon(written: Config, telemetry: Telemetry): Promise<Daemon> {
  await using parts = new AsyncDisposableStack();
  const config = await withChosenPort(written);
  const build = readBuildInfo();
  const store = parts.use(await openStore(config.database, telemetry));
  const noiseKey = await readOrMakeKey(config.server.noiseKeyPath);
  const provider = parts.use(await openProvider(config, telemetry));
  const records = parts.use(await openRecords(config, telemetry));
  const policies = parts.use(await openPolicies(config, telemetry));
  const pinned = await pinnedCertificateFor(config);
  const relay = await openRelay(config, () => live, telemetry);
  if (relay) parts.use(relay);
  const maps = parts.use(openDerpMaps(config, regionOf(config, pinned?.pin, relay?.stunPort), telemetry));
  const known = { config, store, derpMap: await maps.load(), records, policies, relay: relay?.relay, telemetry };
  const live = await startLive(known, parts);
  const { keyUses } = openRecordKeeping(config, store, parts, telemetry);
  maps.refresh((map) => live.setDerpMap(map));
  records.watch(() => live.dnsChanged());
  policies.watch(live);
  const control = new Control({
    live,
    staticKey: noiseKey,
    serverUrl: config.server.url,
    limits: controlLimits(config),
    ...innerHttp2(config, telemetry),
    clientAddress: (request) => clientAddress(request) ?? "",
    addressGroup,
    events: controlEvents(telemetry),
  });
  parts.defer(() => control.destroy());
  parts.use(observeLive(live, () => control.connectionCount, telemetry));
  const authority = authorityOf(provider, config, live, noiseKey, telemetry);
  parts.use(startChores(config, live, control, telemetry));
  const doors = createDoors({
    admin: {
      live,
      keys: new PresentedKeys(() => live.world),
      pinger: control.pings,
      store,
      policies,
      limits: adminLimits(config),
      keyUses,
      version: build.version,
      events: {
        credentialRefused: (source) => events.credentialRefused(telemetry, "api-key", source),
        failed: (where, error) => events.unexpectedError(telemetry, where, error),
      },
    },
    apiMetrics: apiMetrics(telemetry),
    public: publicDeps({ config, live, store, noiseKey, authority, build, telemetry }),
    relayEndpoints: relayEndpoints(parts.use(openBootstrapDns(config, live))),
    maxBodyBytes: config.limits.api_body,
    restCallMs: config.limits["api.call_timeout"],
    isSocket: (request) => requestOrigin(request)?.transport === "unix",
    clientAddress,
    upgrades: upgradesOf(control, relay, config.limits["relay.connections"]),
  });
  const certificates = parts.use(await openCertificates(config, store, pinned, relay?.metaCertificate, telemetry));
  const edges = parts.use(new Edges());
  const edge = edges.add(openEdge(config, doors, certificates, telemetry));
  await openMainListeners(edge, config, telemetry);
  await openGrpcListener(edge, config, telemetry);
  await openHttpListener(config, edges, certificates.http01, telemetry);
  await openMetricsListener(config, edges, live, telemetry);
  certificates.start();
  parts.defer(() => {
    relay?.relay.notifyRestarting(config.limits["relay.restart_delay"], config.limits["relay.restart_patience"]);
    control.drain();
  });
  events.daemonStarted(telemetry, { version: build.version, url: config.server.url });
  const users = usersOf(live.world, defaultTailnetId).map(({ name }) => name);
  const running = parts.move();
  return {
    live,
    routes: doors.routes,
    banner: startupBanner(config, { version: build.version, ctl, users }),
    async reload() {
      await Promise.all([policies.reload(live), certificates.reload(), maps.reload()]);
    },
    async kill() {
      control.destroy();
      await edges.close(0);
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/** What is written down besides changes, and how long those are kept. */
function openRecordKeeping(config: Config, store: Store, parts: AsyncDisposableStack, telemetry: Telemetry) {
  const onError = (what: string, error: unknown) => events.unexpectedError(telemetry, what, error);
  parts.use(new HistoryKeeper({ store, ...config.audit, onError }));
  return { keyUses: parts.use(new KeyUses({ store, flushMs: config.tuning.keyUseFlushMs, onError })) };
}

function openRecords(config: Config, telemetry: Telemetry): Promise<ExtraRecords> {
  return ExtraRecords.open({
    records: config.dns.extraRecords,
    path: config.dns.extraRecordsPath,
    fileBytes: config.limits.file_size,
    maxRecords: config.limits.extra_records,
    onLoaded: (path, count) => events.extraRecordsLoaded(telemetry, path, count),
    onRefused: (path, error) => events.extraRecordsRefused(telemetry, path, error),
  });
}

function openPolicies(config: Config, telemetry: Telemetry): Promise<PolicyKeeper> {
  return PolicyKeeper.open({
    source: config.policy,
    maxBytes: config.limits.api_body,
    fileBytes: config.limits.file_size,
    onLoaded: (path) => events.policyLoaded(telemetry, path),
    onRefused: (path, error) => events.policyRefused(telemetry, path, error),
  });
}

type Upgrades = Parameters<typeof createDoors>[0]["upgrades"];

const relayFull = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

function upgradesOf(control: Control, relay: EmbeddedRelay | undefined, maxRelayed: number): Upgrades {
  const upgrades: Record<string, Upgrades[string]> = {
    "/ts2021": (request, socket, head) => control.upgrade(request, socket, head),
  };
  if (relay) {
    upgrades["/derp"] = (request, socket, head) => {
      if (relay.relay.stats().connections >= maxRelayed) return void socket.end(relayFull);
      const address = clientAddress(request);
      const source = address === undefined ? undefined : { address, port: request.socket.remotePort ?? 0 };
      relay.relay.accept(request, socket, head, source);
    };
  }
  return upgrades;
}

function openEdge(config: Config, doors: Doors, certificates: Certificates, telemetry: Telemetry): Edge {
  return createEdge({
    request: doors.request,
    upgrade: (request, socket, head) => doors.upgrade(request, socket, head),
    ...(certificates.source && { tls: { certificates: certificates.source, clearText: certificates.clearText } }),
    trustedProxies: config.listen.trustedProxies,
    proxyProtocol: config.listen.proxyProtocolSources,
    limits: edgeLimits(config),
    onEvent: edgeEvents(telemetry),
  });
}
