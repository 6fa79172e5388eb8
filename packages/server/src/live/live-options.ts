import type { PolicySettings } from "@headscale/policy";
import type { DERPMap, DNSConfig } from "@headscale/tailcfg";
import type { NodeKey } from "@headscale/tailcfg/keys";
import type { Change, NodeId, Presence, TailnetId, TailnetSettings, World } from "@headscale/tailnet";
import type { NetmapSettings } from "@headscale/tailnet/netmap";
import type { LifetimeLimits } from "./lifetimes.ts";
import type { PolicyDocument } from "./live-tailnet.ts";
import type { SessionTiming } from "./map-session.ts";
import type { PresenceStore } from "./presence-book.ts";
import type { RouteRoles } from "./route-roles.ts";
import type { CommitLog } from "./write-queue.ts";

export interface LiveOptions {
  readonly store: CommitLog & PresenceStore;
  readonly world: World;
  readonly presence: Iterable<readonly [NodeId, Presence]>;
  /** Reads the changes that another writer made since `world`, in an order that can be applied. */
  catchUp(world: World): Promise<readonly Change[]>;
  readonly settings: TailnetSettings;
  readonly netmap: NetmapSettings;
  readonly policySettings: PolicySettings;
  readonly timing: SessionTiming;
  readonly limits: LifetimeLimits & {
    readonly maxWaitingCommands: number;
    readonly presenceFlushMs: number;
    /** Changes that a reader of the feed may be behind. */
    readonly feedBacklog: number;
  };
  /** Which router serves what, agreed with the other daemons on the database; absent when there can be none. */
  readonly roles?: RouteRoles | undefined;
  /** The policy in force for a tailnet; a text that does not parse is the caller's to report. */
  policyOf(world: World, tailnet: TailnetId): PolicyDocument;
  readonly derpMap: DERPMap;
  dns(world: World, tailnet: TailnetId): DNSConfig;
  readonly now?: () => number;
  readonly random?: () => number;
  /** A node key became good, or stopped being one: relays let its owner in or throw it out. */
  onNodeKey?(key: NodeKey, isGood: boolean): void;
  onError(what: string, error: unknown): void;
}
