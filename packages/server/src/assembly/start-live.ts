import type { Relay } from "@headscale/derp";
import type { Store } from "@headscale/store";
import type { DERPMap, DNSConfig } from "@headscale/tailcfg";
import { type TailnetId, type World, worldFromRows } from "@headscale/tailnet";
import { dnsConfigOf } from "@headscale/tailnet/netmap";
import type { Config } from "#config/config.ts";
import type { ExtraRecords } from "#live/extra-records.ts";
import { Live } from "#live/live.ts";
import type { PolicyKeeper } from "#live/policy-keeper.ts";
import { ReplicaLink } from "#live/replica-link.ts";
import { RouteRoles } from "#live/route-roles.ts";
import { unexpectedError } from "#telemetry/events.ts";
import type { Telemetry } from "#telemetry/telemetry.ts";
import { liveLimits } from "./limits.ts";
import { dnsSettings, netmapSettings, tailnetSettings } from "./settings.ts";

export interface LiveParts {
  readonly config: Config;
  readonly store: Store;
  readonly derpMap: DERPMap;
  readonly records: ExtraRecords;
  readonly policies: PolicyKeeper;
  readonly relay: Relay | undefined;
  readonly telemetry: Telemetry;
}

/** Where daemons share a database, what others need to know of presence is written down this soon. */
const shareMs = 200;

/** The live state over what the store holds, tied to the other daemons that share it. */
export async function startLive(parts: LiveParts, stack: AsyncDisposableStack): Promise<Live> {
  const { config, store, telemetry } = parts;
  const { replicas } = store;
  const roles = replicas && (await RouteRoles.open(replicas));
  const live = stack.use(await openLive(parts, roles));
  stack.use(store.onCommitElsewhere(() => void live.catchUp()));
  if (replicas && roles) {
    const { offlineGraceMs: graceMs, replicaLeaseMs: leaseMs } = config.tuning;
    const onError = (what: string, error: unknown) => unexpectedError(telemetry, what, error);
    stack.use(await ReplicaLink.open({ live, replicas, roles, leaseMs, shareMs, graceMs, onError }));
  }
  return live;
}

async function openLive(
  { config, store, derpMap, records, policies, relay, telemetry }: LiveParts,
  roles: RouteRoles | undefined,
): Promise<Live> {
  const stored = await store.load();
  const settings = tailnetSettings(config);
  const dns = dnsSettings(config);
  const prefixes = [settings.prefixes.v4, settings.prefixes.v6].filter((prefix) => prefix !== undefined);
  const { keepAliveMs, keepAliveSpreadMs, changeWindowMs } = config.tuning;
  return Live.start({
    store,
    world: worldFromRows(stored),
    presence: stored.presence,
    catchUp: (world: World) => store.changesSince(new Map(world.revisions)),
    settings,
    netmap: netmapSettings(config),
    policySettings: { serverUrl: config.server.url, httpsCertificates: false },
    timing: { keepAliveMs: () => keepAliveMs + Math.random() * keepAliveSpreadMs, coalesceMs: changeWindowMs },
    limits: {
      ...liveLimits(config),
      ...(roles && { presenceFlushMs: Math.min(shareMs, config.tuning.presenceFlushMs) }),
    },
    roles,
    policyOf: (world, tailnet) => policies.documentOf(world, tailnet),
    derpMap,
    dns: (world: World, id: TailnetId): DNSConfig => {
      const tailnet = world.tailnets.get(id);
      return tailnet ? dnsConfigOf(dns, tailnet, prefixes, records.current) : {};
    },
    onNodeKey: (key, isGood) => (isGood ? relay?.readmit(key) : relay?.disconnect(key)),
    onError: (what, error) => unexpectedError(telemetry, what, error),
  });
}
