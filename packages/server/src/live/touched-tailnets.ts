import type { Change, NodeId, TailnetId, UserId } from "@headscale/tailnet";

interface Touched {
  readonly nodes: Set<NodeId>;
  readonly users: Set<UserId>;
  renamed: boolean;
}

/** What a batch of changes is about, tailnet by tailnet. */
export function touchedTailnets(changes: readonly Change[]): ReadonlyMap<TailnetId, Touched> {
  const touched = new Map<TailnetId, Touched>();
  for (const change of changes) {
    const entry = touched.get(change.tailnet) ?? { nodes: new Set(), users: new Set(), renamed: false };
    touched.set(change.tailnet, entry);
    if (change.subject === "node") entry.nodes.add(change.id);
    if (change.subject === "user") entry.users.add(change.id);
    if (change.kind === "tailnet-renamed") entry.renamed = true;
  }
  return touched;
}
