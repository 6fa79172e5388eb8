import type { Store } from "@headscale/store";
import type { ApiKeyId, PolicyId, TailnetId } from "@headscale/tailnet";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { databaseKinds, stopPostgres } from "../support/store-matrix.ts";
import * as sample from "../support/store-samples.ts";
import { base, drop, fullNode, guests, home, put } from "../support/store-samples.ts";
import { loaded, useStore } from "../support/store-under-test.ts";

afterAll(stopPostgres);

describe.for(databaseKinds)("the past in $kind", (kind) => {
  describe.skipIf(kind.absent)("catching up", () => {
    const its = useStore(kind, beforeEach, afterEach);

    test("gives exactly what followed, in order, whoever was behind by how much", async () => {
      const changes = its.numbering.changes(
        ...base(),
        put.tailnet(sample.tailnet(guests)),
        put.apiKey(sample.apiKey(1)),
        put.node(fullNode(1)),
        put.authRequest(sample.authRequest(1)),
        drop(put.authRequest(sample.authRequest(1))),
        put.user(sample.user(2, { tailnet: guests })),
      );
      await its.store.commit(changes.slice(0, 3));
      await its.store.commit(changes.slice(3));
      expect(await its.store.changesSince(new Map())).toEqual(changes);
      const known = new Map([
        [home, 2],
        [guests, 2],
      ]);
      const missing = changes.filter(({ tailnet, revision }) => revision > (known.get(tailnet) ?? 0));
      expect(await its.store.changesSince(known)).toEqual(missing);
      expect(await its.store.changesSince((await loaded(its.store)).revisions)).toEqual([]);
    });

    test("works for more tailnets than one statement can name", async () => {
      const many = Array.from({ length: 700 }, (_, i) => put.tailnet(sample.tailnet((i + 1) as TailnetId)));
      await its.commit(...many);
      expect(await its.store.changesSince(new Map())).toHaveLength(700);
    });

    test("says so when the history does not reach back", async () => {
      await its.commit(...base(), put.node(sample.node(1)));
      await its.store.forgetHistory({ before: 3 });
      await expect(its.store.changesSince(new Map([[home, 1]]))).rejects.toMatchObject({ code: "history-gone" });
      await expect(its.store.history({ tailnet: home, afterRevision: 1 })).rejects.toMatchObject({
        code: "history-gone",
      });
      expect(await its.store.changesSince(new Map([[home, 2]]))).toHaveLength(1);
      expect((await its.store.history({ tailnet: home, afterRevision: 2 })).changes).toHaveLength(1);
      expect((await its.store.history({ tailnet: home, afterRevision: 3 })).changes).toEqual([]);
      await its.commit(put.node(sample.node(2)));
    });
  });

  describe.skipIf(kind.absent)("forgetting", () => {
    const its = useStore(kind, beforeEach, afterEach);
    const revisions = async () => (await its.store.history({ limit: 1000 })).changes.map(({ revision }) => revision);
    const fill = (count: number) =>
      its.commit(...base(), ...Array.from({ length: count - 2 }, (_, i) => put.node(sample.node(i + 1))));

    test("keeps so many of the newest, and what is younger than the moment given", async () => {
      await fill(10);
      expect(await its.store.forgetHistory({})).toBe(false);
      expect(await its.store.forgetHistory({ keep: 10, before: 0 })).toBe(false);
      expect(await revisions()).toHaveLength(10);
      await its.store.forgetHistory({ keep: 6 });
      expect(await revisions()).toEqual([10, 9, 8, 7, 6, 5]);
      await its.store.forgetHistory({ keep: 100, before: 7 });
      const kept = await revisions();
      expect(kept).toEqual([10, 9, 8, 7]);
      await its.store.forgetHistory({ keep: 1, before: 8 });
      expect(await revisions()).toEqual([10]);
      expect((await its.store.load()).nodes).toHaveLength(8);
    });

    test("goes a bounded step at a time, and says whether more is left", async () => {
      await fill(5_200);
      expect(await its.store.forgetHistory({ keep: 100 })).toBe(true);
      expect((await its.store.history({ order: "oldest-first", limit: 1 })).changes[0]?.revision).toBe(5_001);
      expect(await its.store.forgetHistory({ keep: 100 })).toBe(false);
      expect((await its.store.history({ order: "oldest-first", limit: 1 })).changes[0]?.revision).toBe(5_101);
      expect(await its.store.forgetHistory({ keep: 100 })).toBe(false);
    });
  });

  describe.skipIf(kind.absent)("when API keys were used", () => {
    const its = useStore(kind, beforeEach, afterEach);

    test("is kept, never goes back, and goes with its key", async () => {
      const [one, two, gone] = [1, 2, 3].map((n) => n as ApiKeyId);
      await its.commit(put.apiKey(sample.apiKey(1)), put.apiKey(sample.apiKey(2)));
      await its.store.writeKeyUses(
        new Map([
          [one!, 1_700_000_000_000],
          [gone!, 5],
        ]),
      );
      await its.store.writeKeyUses(
        new Map([
          [one!, 1_600_000_000_000],
          [two!, 7],
        ]),
      );
      await its.store.writeKeyUses(new Map());
      await its.restart();
      expect(await its.store.keyUses()).toEqual(
        new Map([
          [one, 1_700_000_000_000],
          [two, 7],
        ]),
      );
      await its.commit(drop(put.apiKey(sample.apiKey(1))));
      expect(await its.store.keyUses()).toEqual(new Map([[two, 7]]));
    });
  });

  describe.skipIf(kind.absent)("the history", () => {
    const full = useStore(kind, beforeAll, afterAll);
    const revisions = async (query: Parameters<Store["history"]>[0]) =>
      (await full.store.history(query)).changes.map(({ tailnet, revision }) => `${tailnet}.${revision}`);

    beforeAll(async () => {
      const changes = full.numbering.changes(
        ...base(),
        put.node(sample.node(1)),
        put.node(sample.node(1), "node-renamed"),
        put.tailnet(sample.tailnet(guests)),
        put.node(sample.node(2)),
        put.apiKey(sample.apiKey(1)),
        put.authRequest(sample.authRequest(1)),
      );
      await full.store.commit(changes.map((change, i) => ({ ...change, actor: i % 2 ? "socket" : "system" })));
    });

    test.for([
      {
        says: "everything, newest first",
        query: {},
        found: ["0.2", "0.1", "1.5", "2.1", "1.4", "1.3", "1.2", "1.1"],
      },
      { says: "one tailnet's", query: { tailnet: guests }, found: ["2.1"] },
      {
        says: "the oldest first",
        query: { tailnet: home, order: "oldest-first" },
        found: ["1.1", "1.2", "1.3", "1.4", "1.5"],
      },
      { says: "one node's", query: { subject: "node", subjectId: 1 }, found: ["1.4", "1.3"] },
      {
        says: "one login's",
        query: { subject: "auth-request", subjectId: sample.authRequest(1).id },
        found: ["0.2"],
      },
      { says: "some kinds", query: { kinds: ["node-renamed", "api-key-created"] }, found: ["0.1", "1.4"] },
      {
        says: "kinds by their beginning",
        query: { kinds: ["tailnet-", "node-"] },
        found: ["1.5", "2.1", "1.4", "1.3", "1.1"],
      },
      { says: "no kind called a wildcard", query: { kinds: ["%-", "n_de-"] }, found: [] },
      { says: "no kinds at all as all", query: { kinds: [], tailnet: guests }, found: ["2.1"] },
      { says: "an actor's", query: { actor: "system", tailnet: home }, found: ["1.3", "1.1"] },
      { says: "times, both included", query: { since: 3, until: 5 }, found: ["2.1", "1.4", "1.3"] },
      {
        says: "what followed a revision",
        query: { tailnet: home, afterRevision: 3, order: "oldest-first" },
        found: ["1.4", "1.5"],
      },
    ] as const)("gives $says", async ({ query, found }) => {
      expect(await revisions(query)).toEqual(found);
    });

    test.for([
      { query: { limit: 3 } },
      { query: { limit: 1, order: "oldest-first" } },
      { query: { limit: 2, tailnet: home } },
      { query: { limit: 2, kinds: ["node-"], order: "oldest-first" } },
    ] as const)("comes in pages that together are the whole: $query", async ({ query }) => {
      const whole = await revisions({ ...query, limit: 1000 });
      const pages: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await full.store.history({ ...query, cursor });
        expect(page.changes.length).toBeLessThanOrEqual(query.limit);
        pages.push(...page.changes.map(({ tailnet, revision }) => `${tailnet}.${revision}`));
        cursor = page.next;
      } while (cursor !== undefined);
      expect(pages).toEqual(whole);
    });

    test.for([
      { says: "a cursor of its own making", query: { cursor: "1; drop table changes" } },
      { says: "no limit", query: { limit: 0 } },
      { says: "a revision of no tailnet", query: { afterRevision: 1 } },
    ])("refuses $says", async ({ query }) => {
      await expect(full.store.history(query)).rejects.toThrow(RangeError);
    });
  });

  describe.skipIf(kind.absent)("policies", () => {
    const its = useStore(kind, beforeEach, afterEach);

    test("keeps every policy that was set", async () => {
      const text = '// Größe\n{"acls": []}';
      await its.commit(...base(), put.policy(sample.policy(1)), put.tailnet(sample.tailnet(guests)));
      await its.commit(put.policy(sample.policy(2, { tailnet: guests })), put.policy(sample.policy(3, { text })));
      const summary = { id: 3, tailnet: home, createdAt: 8_003, actor: "socket", sizeBytes: Buffer.byteLength(text) };
      expect(await its.store.policyHistory(home)).toMatchObject([summary, { id: 1 }]);
      expect((await its.store.policyHistory(home))[0]?.sha256).toMatch(/^[0-9a-f]{64}$/);
      expect(await its.store.policyRevision(home, 1 as PolicyId)).toEqual(sample.policy(1));
      expect(await its.store.policyRevision(home, 2 as PolicyId)).toBeUndefined();
      expect((await loaded(its.store)).policies).toEqual([
        sample.policy(2, { tailnet: guests }),
        sample.policy(3, { text }),
      ]);
      await its.store.forgetHistory({ before: Number.MAX_SAFE_INTEGER });
      expect(await its.store.policyHistory(home)).toHaveLength(2);
    });
  });
});
