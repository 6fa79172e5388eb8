import type { CompiledPolicy } from "@headscale/policy";
import type { CapMap, DERPMap, DNSConfig } from "@headscale/tailcfg";
import type { Presence } from "#nodes/node.ts";
import type { Tailnet } from "#tailnets/tailnet.ts";
import type { NodeId } from "#world/ids.ts";
import type { World } from "#world/world.ts";

/** What every node of a server is told alike. */
export interface NetmapSettings {
  readonly baseDomain: string;
  /** Capabilities in every node's own record, before those of the policy. */
  readonly selfCapabilities: CapMap;
  /** Clients upload their logs to Tailscale. */
  readonly logtail: boolean;
}

/** Everything that a node's map is made of, at one moment. */
export interface NetmapView {
  readonly world: World;
  readonly tailnet: Tailnet;
  readonly policy: CompiledPolicy;
  readonly settings: NetmapSettings;
  readonly derpMap: DERPMap;
  /** ms since the epoch: decides who has expired. */
  readonly now: number;
  presence(id: NodeId): Presence;
  /** DNS settings for the tailnet before per-node rewriting. */
  readonly dns: DNSConfig;
}
