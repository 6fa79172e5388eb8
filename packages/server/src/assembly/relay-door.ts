import { isIP } from "node:net";
import { join } from "node:path";
import { BootstrapDns, type Endpoint, generate204, probe } from "@headscale/derp";
import type { DERPRegion } from "@headscale/tailcfg";
import type { Config } from "#config/config.ts";
import { DerpMaps } from "#live/derp-maps.ts";
import type { Live } from "#live/live.ts";
import { derpMapFailed, derpMapLoaded, listening, relayLoginRefused, stunFailed } from "#telemetry/events.ts";
import type { Telemetry } from "#telemetry/telemetry.ts";
import { embeddedRegion, pinnedName } from "./embedded-region.ts";
import { relayLimits } from "./limits.ts";
import { type PinnedCertificate, pinnedCertificate } from "./pinned-certificate.ts";
import { type EmbeddedRelay, startRelay } from "./relay.ts";

/** With a plain-HTTP URL nobody vouches for the relay: it shows a certificate of our own, which the relay map pins. */
export async function pinnedCertificateFor({ server, derp, tls }: Config): Promise<PinnedCertificate | undefined> {
  if (!derp.server || tls.kind !== "off" || !server.url.startsWith("http:")) return undefined;
  return pinnedCertificate(server.dataDir, pinnedName(server.host));
}

/** The embedded relay, if there is to be one; `live` is asked who may enter once it runs. */
export async function openRelay(
  config: Config,
  live: () => Live,
  telemetry: Telemetry,
): Promise<EmbeddedRelay | undefined> {
  const { server } = config.derp;
  if (!server) return undefined;
  const allow = server.verifyClients ? (key: Parameters<typeof known>[1]) => known(live(), key) : () => true;
  const relay = await startRelay(
    server,
    relayLimits(config),
    { allow },
    {
      listening: (address) => listening(telemetry, "STUN", address),
      failed: (address, error) => stunFailed(telemetry, address, error),
      refused: (node, source) => relayLoginRefused(telemetry, node, source),
    },
  );
  telemetry.metrics.relayClients.onScrape((gauge) => gauge.set({}, relay.relay.stats().connections));
  return relay;
}

function known(live: Live, key: Parameters<Live["world"]["index"]["nodeByNodeKey"]["has"]>[0]): boolean {
  return live.world.index.nodeByNodeKey.has(key);
}

/** The port at which clients reach the relay: that of the URL they know. */
function relayPort(url: string): number {
  const { port, protocol } = new URL(url);
  return port === "" ? (protocol === "https:" ? 443 : 80) : Number(port);
}

export function regionOf(
  { derp, server }: Config,
  pin: string | undefined,
  stunPort: number | undefined,
): DERPRegion | undefined {
  if (!derp.server?.addToMap) return undefined;
  return embeddedRegion(derp.server, { host: server.host, port: relayPort(server.url), pin, stunPort });
}

export function openDerpMaps(config: Config, embedded: DERPRegion | undefined, telemetry: Telemetry): DerpMaps {
  return new DerpMaps({
    ...config.derp,
    cacheDir: join(config.server.dataDir, "derp"),
    fetchTimeoutMs: config.limits.fetch_timeout,
    fetchBytes: config.limits.fetch_size,
    fileBytes: config.limits.file_size,
    embedded,
    onLoaded: (regions) => derpMapLoaded(telemetry, regions),
    onFailed: (source, error) => derpMapFailed(telemetry, source, error),
  });
}

/** What clients ask of a relay's host besides relaying. */
export function relayEndpoints(bootstrapDns: BootstrapDns): Readonly<Record<string, Endpoint>> {
  return {
    "/derp/probe": probe,
    "/derp/latency-check": probe,
    "/generate_204": generate204,
    "/bootstrap-dns": bootstrapDns.respond,
    "/derp": () => ({
      status: 426,
      headers: { Upgrade: "DERP", "Content-Type": "text/plain" },
      body: "DERP requires connection upgrade\n",
    }),
  };
}

/** Addresses need no resolving, and the name of a relay that goes by one for its address's sake is in no DNS. */
function isName(host: string): boolean {
  return isIP(host.replace(/^\[|\]$/g, "")) === 0 && !host.endsWith(".invalid");
}

/** Host names of all relays, the server's and those that policies add: what `/bootstrap-dns` resolves for clients without DNS. */
export function openBootstrapDns({ limits }: Config, live: Live): BootstrapDns {
  const dns = new BootstrapDns({
    refreshMs: limits["relay.bootstrap_dns_interval"],
    resolveMs: limits["relay.bootstrap_dns_timeout"],
    published: () => {
      const maps = [live.derpMap, ...Array.from(live.tailnets, ({ derpMap }) => derpMap)];
      const nodes = maps.flatMap(({ Regions }) => Object.values(Regions).flatMap((region) => region.Nodes));
      return [...new Set(nodes.map(({ HostName }) => HostName).filter(isName))];
    },
  });
  dns.start();
  return dns;
}
