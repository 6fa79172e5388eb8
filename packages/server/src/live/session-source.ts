import type { NodeRoutes } from "@headscale/policy";
import type { UserProfile } from "@headscale/tailcfg";
import type { NetmapView } from "@headscale/tailnet/netmap";
import type { RecordCache } from "./record-cache.ts";
import type { Rounds } from "./rounds.ts";

/** What a session reads; one object per tailnet, its content moves on under it. */
export interface SessionSource {
  view(): NetmapView;
  readonly records: RecordCache;
  /** Undefined for peers that carry routes for nobody. */
  routesOf(viewer: number, peer: number): NodeRoutes | undefined;
  profilesOf(peers: readonly number[]): readonly UserProfile[];
  /** When its sessions speak. */
  readonly rounds: Rounds;
  /** A message that other sessions may be about to send as well, framed and compressed. */
  shared(text: string): Uint8Array;
}
