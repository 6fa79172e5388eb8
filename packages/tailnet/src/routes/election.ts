import type { Prefix } from "@headscale/netip";
import type { NodeId } from "#world/ids.ts";

/** Who carries each prefix, and who could. */
export interface Candidate {
  readonly id: NodeId;
  /** Connected, and not found dead by a probe. */
  readonly up: boolean;
}

/**
 * The primary of one prefix: the current one while it is up, else the up candidate with the lowest id; when none is up
 * the current one stays if it still is a candidate, else the lowest. Recovery does not move the role back.
 * Source: headscale f20f1f12 hscontrol/state/node_store.go.
 */
export function electPrimary(current: NodeId | undefined, candidates: readonly Candidate[]): NodeId | undefined {
  const sorted = [...candidates].sort((a, b) => a.id - b.id);
  const holder = sorted.find(({ id }) => id === current);
  if (holder?.up) return holder.id;
  return sorted.find(({ up }) => up)?.id ?? holder?.id ?? sorted[0]?.id;
}

export type Primaries = ReadonlyMap<Prefix, NodeId>;
