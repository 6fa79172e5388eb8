import type { Relay } from "@headscale/derp";
import type { Store } from "@headscale/store";
import type { DERPMap, DNSConfig } from "@headscale/tailcfg";
import { type TailnetId, type World, worldFromRows } from "@headscale/tailnet";
import { dnsConfigOf } from "@headscale/tailnet/netmap";
import type { Config } from "#config/config.ts";
import type { ExtraRecords } from "#live/extra-records.ts";
import { Live } from "#live/live.ts";
import type { PolicyKeeper } from "#live/policy-keeper.ts";
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

/** The live state over what the store holds. */
export async function startLive({
  config,
  store,
  derpMap,
  records,
  policies,
  relay,
  telemetry,
}: LiveParts): Promise<Live> {
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
    limits: liveLimits(config),
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
