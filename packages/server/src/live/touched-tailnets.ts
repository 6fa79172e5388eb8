import type { Change, NodeId, TailnetId, UserId } from "@headscale/tailnet";

export interface Touched {
  readonly nodes: Set<NodeId>;
  readonly users: Set<UserId>;
  renamed: boolean;
  deleted: boolean;
  policySet: boolean;
}

/** What a batch of changes is about, tailnet by tailnet. */
export function touchedTailnets(changes: readonly Change[]): ReadonlyMap<TailnetId, Touched> {
  const touched = new Map<TailnetId, Touched>();
  for (const change of changes) {
    const entry = touched.get(change.tailnet) ?? untouched();
    touched.set(change.tailnet, entry);
    if (change.subject === "node") entry.nodes.add(change.id);
    if (change.subject === "user") entry.users.add(change.id);
    if (change.subject === "policy") entry.policySet = true;
    if (change.kind === "tailnet-renamed") entry.renamed = true;
    if (change.kind === "tailnet-deleted") entry.deleted = true;
  }
  return touched;
}

function untouched(): Touched {
  return { nodes: new Set(), users: new Set(), renamed: false, deleted: false, policySet: false };
}
