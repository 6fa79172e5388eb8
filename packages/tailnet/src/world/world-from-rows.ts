import { applyEffect } from "#change/apply.ts";
import type { Effect, Subject, Subjects } from "#change/change.ts";
import { CowMap } from "./cow-map.ts";
import { serverScope, type TailnetId } from "./ids.ts";
import { emptyWorld, type Sequences, type World } from "./world.ts";

/** The rows of a store, in any order. */
export interface WorldRows {
  readonly tailnets: Iterable<Subjects["tailnet"]>;
  readonly users: Iterable<Subjects["user"]>;
  readonly nodes: Iterable<Subjects["node"]>;
  readonly authKeys: Iterable<Subjects["auth-key"]>;
  readonly apiKeys: Iterable<Subjects["api-key"]>;
  readonly authRequests: Iterable<Subjects["auth-request"]>;
  /** The policy in force of each tailnet. */
  readonly policies: Iterable<Subjects["policy"]>;
  readonly revisions: Iterable<readonly [TailnetId, number]>;
  readonly sequences: Sequences;
}

/** The world that a store holds; holes in the address range are filled again after a start, as headscale does. */
export function worldFromRows(rows: WorldRows): World {
  let world = emptyWorld;
  const load = <S extends Subject>(subject: S, list: Iterable<Subjects[S]>) => {
    for (const after of list) {
      const tailnet = "tailnet" in after ? after.tailnet : serverScope;
      world = applyEffect(world, {
        subject,
        tailnet,
        kind: "node-registered",
        id: after.id,
        after,
      } as unknown as Effect);
    }
  };
  load("tailnet", rows.tailnets);
  load("user", rows.users);
  load("node", rows.nodes);
  load("auth-key", rows.authKeys);
  load("api-key", rows.apiKeys);
  load("auth-request", rows.authRequests);
  load("policy", rows.policies);
  const sequences = Object.fromEntries(
    Object.entries(rows.sequences).map(([name, next]) => [
      name,
      Math.max(next, world.sequences[name as keyof Sequences]),
    ]),
  ) as unknown as Sequences;
  return { ...world, sequences, revisions: CowMap.from(rows.revisions), index: { ...world.index, lastIssued: {} } };
}
