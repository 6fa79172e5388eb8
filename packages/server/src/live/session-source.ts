import type { NodeRoutes } from "@headscale/policy";
import type { UserProfile } from "@headscale/tailcfg";
import type { NetmapView } from "@headscale/tailnet/netmap";
import type { RecordCache } from "./record-cache.ts";

/** What a session reads; one object per tailnet, its content moves on under it. */
export interface SessionSource {
  view(): NetmapView;
  readonly records: RecordCache;
  /** Undefined for peers that carry routes for nobody. */
  routesOf(viewer: number, peer: number): NodeRoutes | undefined;
  profilesOf(peers: readonly number[]): readonly UserProfile[];
  /** Compresses a message that other sessions may be about to send as well. */
  shared(text: string): Buffer;
}
