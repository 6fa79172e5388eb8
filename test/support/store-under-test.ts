import type { Store } from "@headscale/store";
import type { Effect } from "@headscale/tailnet";
import type { afterEach, beforeEach } from "vitest";
import type { DatabaseKind, TestDatabase } from "./store-matrix.ts";
import { Numbering } from "./store-samples.ts";

/** In one order whatever the database's. */
export const sorted = <T>(rows: Iterable<T>) =>
  [...rows].sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));

/** What a store holds, in a form that compares. */
export async function loaded(store: Store) {
  const state = await store.load();
  return {
    ...state,
    tailnets: sorted(state.tailnets),
    users: sorted(state.users),
    nodes: sorted(state.nodes),
    authKeys: sorted(state.authKeys),
    apiKeys: sorted(state.apiKeys),
    authRequests: sorted(state.authRequests),
    policies: sorted(state.policies),
    revisions: new Map(state.revisions),
  };
}

/** A store in an empty database, made `before` and gone `after` each test or all of a block. */
export function useStore({ create }: DatabaseKind, before: typeof beforeEach, after: typeof afterEach) {
  const own = {} as { database: TestDatabase; store: Store; numbering: Numbering };
  before(async () => {
    own.database = await create();
    own.store = await own.database.open();
    own.numbering = new Numbering();
  });
  after(async () => {
    await own.store[Symbol.asyncDispose]();
    await own.database[Symbol.asyncDispose]();
  });
  return Object.assign(own, {
    commit: (...effects: readonly Effect[]) => own.store.commit(own.numbering.changes(...effects)),
    async restart() {
      await own.store[Symbol.asyncDispose]();
      own.store = await own.database.open();
    },
  });
}
