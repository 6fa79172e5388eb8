import { fc, test as property } from "@fast-check/vitest";
import type { DiscoKey } from "@headscale/tailcfg/keys";
import { type Change, type NodeId, serverScope, type TailnetId, type UserId } from "@headscale/tailnet";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { databaseKinds, openAt, stopPostgres } from "../support/store-matrix.ts";
import * as sample from "../support/store-samples.ts";
import { base, drop, fullNode, guests, home, Numbering, put } from "../support/store-samples.ts";
import { loaded, sorted, useStore } from "../support/store-under-test.ts";

afterAll(stopPostgres);

describe.for(databaseKinds)("a store in $kind", (kind) => {
  describe.skipIf(kind.absent)("if there is one", () => {
    const its = useStore(kind, beforeEach, afterEach);

    test("is empty at first", async () => {
      expect(await loaded(its.store)).toEqual({
        tailnets: [],
        users: [],
        nodes: [],
        authKeys: [],
        apiKeys: [],
        authRequests: [],
        policies: [],
        revisions: new Map(),
        sequences: { tailnet: 1, user: 1, node: 1, "auth-key": 1, "api-key": 1, policy: 1 },
        presence: new Map(),
      });
    });

    test("gives back every kind of row as it was put, after a restart", async () => {
      const tailnets = [sample.tailnet(home, { defaultOwner: 1 as UserId }), sample.tailnet(guests)];
      const oidc = {
        providerId: "https://id.example/42",
        provider: "oidc",
        displayName: "Änne",
        role: "owner",
      } as const;
      const users = [sample.user(1), sample.user(2, oidc)];
      const nodes = [sample.node(1), fullNode(2), sample.node(3, { tailnet: guests, name: "host-1" })];
      const { ipv4: _ipv4, ipv6: _ipv6, ...addressless } = sample.node(4);
      const { userId: _nobody, ...tagKey } = sample.authKey(2, {
        tags: ["tag:a"],
        expiresAt: 5,
        used: true,
        revokedAt: 6,
      });
      const authKeys = [sample.authKey(1), tagKey];
      const apiKeys = [sample.apiKey(1), sample.apiKey(2, { expiresAt: 1 })];
      const check = { kind: "ssh-check", src: 1 as NodeId, dst: 2 as NodeId, login: "root" } as const;
      const authRequests = [
        sample.authRequest(1),
        sample.authRequest(2, { purpose: check, verdict: "accepted", nodeId: 1 as NodeId }),
      ];
      await its.commit(
        ...tailnets.map(put.tailnet),
        ...users.map(put.user),
        ...nodes.map((row) => put.node(row)),
        put.node(addressless),
        ...authKeys.map(put.authKey),
        ...apiKeys.map(put.apiKey),
        ...authRequests.map(put.authRequest),
        put.policy(sample.policy(1)),
        put.policy(sample.policy(2)),
      );
      await its.restart();
      expect(await loaded(its.store)).toEqual({
        tailnets: sorted(tailnets),
        users: sorted(users),
        nodes: sorted([...nodes, addressless]),
        authKeys: sorted(authKeys),
        apiKeys: sorted(apiKeys),
        authRequests: sorted(authRequests),
        policies: [sample.policy(2)],
        revisions: new Map([
          [serverScope, 4],
          [home, 10],
          [guests, 2],
        ]),
        sequences: { tailnet: 3, user: 3, node: 5, "auth-key": 3, "api-key": 3, policy: 3 },
        presence: new Map(),
      });
    });

    test("replaces a row by a later one, and forgets it when it is deleted", async () => {
      await its.commit(...base(), put.node(fullNode(1)), put.node(sample.node(2)));
      await its.commit(put.node(sample.node(1)), drop(put.node(sample.node(2))));
      await its.restart();
      expect((await loaded(its.store)).nodes).toEqual([sample.node(1)]);
    });

    test("removes a tailnet with its policies, and keeps its history", async () => {
      const effects = [put.tailnet(sample.tailnet(guests)), put.policy(sample.policy(1, { tailnet: guests }))];
      await its.commit(...effects, drop(put.tailnet(sample.tailnet(guests))));
      expect(await loaded(its.store)).toMatchObject({ tailnets: [], policies: [] });
      expect((await its.store.history({ tailnet: guests })).changes).toHaveLength(3);
    });

    test("never gives the id of a deleted row again", async () => {
      await its.commit(...base(), put.node(sample.node(41)));
      await its.commit(drop(put.node(sample.node(41))));
      await its.restart();
      await its.commit(put.node(sample.node(2)));
      expect((await its.store.load()).sequences).toMatchObject({ node: 42, user: 2 });
    });

    test.for([
      { says: "a revision that is taken", revision: 2 },
      { says: "a revision that leaves a gap", revision: 4 },
      { says: "the first revision once more", revision: 1 },
    ])("refuses $says as stale, and then holds what it held", async ({ revision }) => {
      await its.commit(...base());
      const before = await loaded(its.store);
      const change = { ...put.user(sample.user(2)), revision, at: 1, actor: "socket" } as Change;
      await expect(its.store.commit([change])).rejects.toMatchObject({ code: "stale-revision" });
      expect(await loaded(its.store)).toEqual(before);
      await its.store.commit([{ ...change, revision: 3 }]);
    });

    test("refuses to begin a tailnet with any but its first revision", async () => {
      const change = { ...put.apiKey(sample.apiKey(1)), revision: 2, at: 1, actor: "socket" } as Change;
      await expect(its.store.commit([change])).rejects.toMatchObject({ code: "stale-revision" });
    });

    test("counts each tailnet by itself, and refuses all of a commit if one of its tailnets is stale", async () => {
      await its.commit(...base(), put.tailnet(sample.tailnet(guests)));
      const stale = [
        { ...put.user(sample.user(2)), revision: 3, at: 1, actor: "socket" },
        { ...put.user(sample.user(3, { tailnet: guests })), revision: 1, at: 1, actor: "socket" },
      ] as Change[];
      await expect(its.store.commit(stale)).rejects.toMatchObject({ code: "stale-revision" });
      expect((await loaded(its.store)).users).toEqual([sample.user(1)]);
    });

    test("lets users of an identity provider share a name, and users of two tailnets", async () => {
      const fromProvider = sample.user(2, { name: "user-1", providerId: "iss/2" });
      const guest = sample.user(3, { name: "user-1", tailnet: guests });
      await its.commit(...base(), put.tailnet(sample.tailnet(guests)), put.user(fromProvider), put.user(guest));
      expect((await loaded(its.store)).users).toHaveLength(3);
    });

    test("says nothing of stored values when it refuses", async () => {
      await its.commit(...base(), put.authKey(sample.authKey(1)));
      const error: Error = await its.commit(put.authKey(sample.authKey(2, { prefix: sample.authKey(1).prefix }))).then(
        () => expect.unreachable(),
        (refusal) => refusal,
      );
      const said = JSON.stringify([error.message, error.stack, error.cause, String(error.cause)]);
      expect(said).not.toContain(sample.authKey(2).hash);
      expect(said).not.toContain(sample.authKey(1).prefix);
    });

    test("takes commits that do not wait for each other in the order of the calls", async () => {
      await its.commit(...base());
      const commits = Array.from({ length: 200 }, (_, i) => its.numbering.changes(put.node(sample.node(i + 1))));
      await Promise.all(commits.map((changes) => its.store.commit(changes)));
      expect((await loaded(its.store)).nodes).toHaveLength(200);
      expect((await loaded(its.store)).revisions.get(home)).toBe(202);
    });

    test("refuses only the commits that are wrong when many come together", async () => {
      await its.commit(...base());
      const good = its.numbering.changes(put.node(sample.node(1)));
      const wrong = [{ ...put.node(sample.node(2)), revision: 9, at: 1, actor: "x" }] as Change[];
      const twice = its.numbering.changes(put.node(sample.node(3, { name: "host-1" })));
      const instead = new Numbering();
      instead.changes(...base(), put.node(sample.node(1)));
      const after = instead.changes(put.node(sample.node(4)));
      const outcomes = await Promise.allSettled(
        [good, wrong, twice, after].map((changes) => its.store.commit(changes)),
      );
      expect(outcomes.map((outcome) => (outcome.status === "rejected" ? outcome.reason.code : "written"))).toEqual([
        "written",
        "stale-revision",
        "conflict",
        "written",
      ]);
      expect((await loaded(its.store)).nodes.map(({ id }) => id)).toEqual([1, 4]);
    });

    test("takes a commit of thousands of changes", async () => {
      const nodes = Array.from({ length: 3_000 }, (_, i) => put.node(sample.node(i + 1)));
      await its.commit(...base(), ...nodes);
      expect((await loaded(its.store)).nodes).toHaveLength(3_000);
    });

    const hostile = [
      `'; drop table "nodes"; --`,
      "\u0000 nul \u0000",
      "\u0010 0010 \u00100000",
      "\ud800 half \udfff",
      "🦊 ﷽ \u202e",
      "\\u0000 \\ \n\r\t",
      "x".repeat(1_000_000),
      "",
    ];
    test.for(hostile.map((text) => ({ text, says: JSON.stringify(text).slice(0, 30) })))(
      "keeps the text $says as it is",
      async ({ text }) => {
        const row = sample.node(1, { hostname: text });
        const request = sample.authRequest(1, {
          purpose: { kind: "ssh-check", src: 1 as NodeId, dst: 1 as NodeId, login: text },
        });
        const effects = [put.node(row), put.authRequest(request), put.policy(sample.policy(1, { text }))];
        const changes = its.numbering.changes(...base(), put.user(sample.user(2, { displayName: text })), ...effects);
        await its.store.commit(changes.map((change) => ({ ...change, actor: text })));
        const seen = sample.presence(1, { endpoints: [text], hostinfo: { Hostname: text, [text]: text } });
        await its.store.writePresence(new Map([[row.id, seen]]));
        await its.restart();
        const state = await loaded(its.store);
        expect(state.nodes).toEqual([row]);
        expect(state.users[1]).toMatchObject({ displayName: text });
        expect(state.authRequests).toEqual([request]);
        expect(state.policies[0]?.text).toBe(text);
        expect(state.presence.get(row.id)).toEqual(seen);
        expect(await its.store.changesSince(new Map())).toEqual(changes.map((change) => ({ ...change, actor: text })));
      },
    );

    property.prop([fc.array(fc.string({ unit: "binary" }), { maxLength: 8 })], { numRuns: 15 })(
      "keeps any text at all",
      async (texts) => {
        await using own = await kind.create();
        await using fresh = await own.open();
        const users = texts.map((text, i) => sample.user(i + 2, { displayName: text, email: text }));
        await fresh.commit(new Numbering().changes(...base(), ...users.map(put.user)));
        expect((await loaded(fresh)).users).toEqual(sorted([sample.user(1), ...users]));
      },
    );

    property.prop(
      [fc.array(fc.array(fc.tuple(fc.nat(12), fc.nat(3), fc.boolean()), { maxLength: 6 }), { maxLength: 12 })],
      {
        numRuns: 10,
      },
    )("holds what a map would hold after the same steps", async (commits) => {
      await using own = await kind.create();
      await using fresh = await own.open();
      const numbers = new Numbering();
      const oracle = new Map<number, unknown>();
      await fresh.commit(numbers.changes(...base()));
      const steps = commits.map((steps) =>
        steps.map(([n, version, gone]) => {
          const row = sample.node(n + 1, { hostname: `v${version}`, createdAt: version });
          if (gone) oracle.delete(row.id);
          else oracle.set(row.id, row);
          return gone ? drop(put.node(row)) : put.node(row);
        }),
      );
      await Promise.all(steps.map((effects) => fresh.commit(numbers.changes(...effects))));
      expect((await loaded(fresh)).nodes).toEqual(sorted(oracle.values()));
    });

    describe("presence", () => {
      beforeEach(() => its.commit(...base(), put.node(sample.node(1)), put.node(sample.node(2))));

      test("is replaced as a whole, is never online, and goes with its node", async () => {
        const [one, two] = [1, 2] as NodeId[];
        await its.store.writePresence(
          new Map([
            [one!, sample.presence(1)],
            [two!, sample.presence(2, { online: true })],
          ]),
        );
        const { lastSeen: _lastSeen, discoKey: _discoKey, ...bare } = sample.presence(1, { endpoints: [] });
        await its.store.writePresence(new Map([[one!, bare]]));
        expect((await its.store.load()).presence).toEqual(
          new Map([
            [one, bare],
            [two, sample.presence(2)],
          ]),
        );
        await its.commit(drop(put.node(sample.node(1))));
        expect([...(await its.store.load()).presence.keys()]).toEqual([two]);
      });

      test("of nodes that are gone is passed over", async () => {
        const rows = [3, 2, 4].map((n) => [n as NodeId, sample.presence(n)] as const);
        await its.store.writePresence(new Map(rows));
        expect([...(await its.store.load()).presence.keys()]).toEqual([2]);
        await its.store.writePresence(new Map());
      });

      test("is written for thousands of nodes at once, and advances no revision", async () => {
        const ids = Array.from({ length: 1_200 }, (_, i) => i + 10);
        await its.commit(...ids.map((id) => put.node(sample.node(id))));
        const before = (await loaded(its.store)).revisions;
        await its.store.writePresence(new Map(ids.map((id) => [id as NodeId, sample.presence(id & 255)])));
        const after = await loaded(its.store);
        expect(after.presence.size).toBe(1_200);
        expect(after.revisions).toEqual(before);
      });

      test("that cannot be read names its row and not its value", async () => {
        const broken = sample.presence(1, { discoKey: "discokey:hunter2" as DiscoKey });
        await its.store.writePresence(new Map([[1 as NodeId, broken]]));
        const error = await its.store.load().catch((reason) => reason);
        expect(error).toMatchObject({
          code: "corrupt",
          message: expect.stringContaining("row 1 of the table presence"),
        });
        expect(`${error.message}${error.cause}`).not.toContain("hunter2");
      });
    });

    describe("a blob", () => {
      const bytes = (...values: number[]) => new Uint8Array(values);

      test("is absent, written, replaced, and deleted", async () => {
        expect(await its.store.readBlob("acme/a")).toBeUndefined();
        await its.store.writeBlob("acme/a", bytes(0, 1, 255));
        await its.store.writeBlob("acme/b", bytes());
        expect(await its.store.readBlob("acme/a")).toEqual(bytes(0, 1, 255));
        await its.store.writeBlob("acme/a", bytes(2));
        await its.restart();
        expect(await its.store.readBlob("acme/a")).toEqual(bytes(2));
        expect(await its.store.readBlob("acme/b")).toEqual(bytes());
        await its.store.deleteBlob("acme/a");
        await its.store.deleteBlob("acme/a");
        expect(await its.store.readBlob("acme/a")).toBeUndefined();
      });

      test("is exchanged by one of those who saw the same before", async () => {
        await its.store.writeBlob("lease", bytes(0));
        const seen = [1, 2, 3].map((n) => its.store.exchangeBlob("lease", bytes(0), bytes(n)));
        const [first, ...others] = await Promise.all(seen);
        expect(first).toEqual(bytes(1));
        for (const other of others) expect(other).toEqual(bytes(1));
        expect(await its.store.exchangeBlob("lease", bytes(0), bytes(9))).toEqual(bytes(1));
        expect(await its.store.exchangeBlob("lease", bytes(1), bytes())).toEqual(bytes());
        expect(await its.store.exchangeBlob("none", bytes(1), bytes(2))).toBeUndefined();
      });

      test("that several offer is the first one's", async () => {
        const offers = [1, 2, 3].map((n) => its.store.agreeOnBlob("key", bytes(n)));
        const answers = await Promise.all(offers);
        expect(new Set(answers.map((answer) => answer[0])).size).toBe(1);
        expect(await its.store.agreeOnBlob("key", bytes(9))).toEqual(answers[0]);
      });

      test.for(["", "a b", "../../etc/passwd\u0000", "x".repeat(201)])("may not be called %j", async (name) => {
        await expect(its.store.writeBlob(name, bytes(1))).rejects.toThrow(RangeError);
      });
    });

    test("answers a ping, and refuses everything once it is closed", async () => {
      await its.store.ping();
      const pending = its.commit(...base());
      await its.store[Symbol.asyncDispose]();
      await pending;
      await expect(its.store.ping()).rejects.toMatchObject({ code: "unavailable" });
      await expect(its.store.commit(its.numbering.changes(put.user(sample.user(2))))).rejects.toMatchObject({
        code: "unavailable",
      });
      its.store = await its.database.open();
      expect((await loaded(its.store)).users).toEqual([sample.user(1)]);
    });

    test("tells of every statement, and of none of its values", async () => {
      const told: string[] = [];
      await using own = await kind.create();
      await using store = await openAt(own.address, (sql) => told.push(sql));
      await store.commit(new Numbering().changes(...base(), put.authKey(sample.authKey(0xbeef))));
      await store.readBlob("a");
      expect(told.some((sql) => sql.includes('insert into "auth_keys"'))).toBe(true);
      expect(told.some((sql) => sql.includes('from "blobs"'))).toBe(true);
      expect(told.join("\n")).not.toContain("beef");
    });

    test("refuses a commit that skips a revision within itself as the mistake it is", async () => {
      const [first, second] = its.numbering.changes(...base());
      await expect(its.store.commit([first!, { ...second!, revision: 3 }])).rejects.toThrow(RangeError);
    });
  });

  describe.skipIf(kind.absent)("with one of everything", () => {
    const full = useStore(kind, beforeAll, afterAll);
    beforeAll(() =>
      full.commit(
        ...base(),
        put.tailnet(sample.tailnet(guests)),
        put.user(sample.user(9, { providerId: "iss/9" })),
        put.node(taken),
        put.authKey(sample.authKey(1)),
        put.apiKey(sample.apiKey(1)),
      ),
    );

    const taken = sample.node(1);
    test.for([
      { says: "a node key", effect: put.node(sample.node(2, { nodeKey: taken.nodeKey })) },
      {
        says: "a node key in another tailnet",
        effect: put.node(sample.node(2, { tailnet: guests, nodeKey: taken.nodeKey })),
      },
      { says: "a node's name", effect: put.node(sample.node(2, { name: taken.name })) },
      { says: "an IPv4 address", effect: put.node(sample.node(2, { tailnet: guests, ipv4: taken.ipv4! })) },
      { says: "an IPv6 address", effect: put.node(sample.node(2, { tailnet: guests, ipv6: taken.ipv6! })) },
      { says: "a tailnet's name", effect: put.tailnet(sample.tailnet(3 as TailnetId, { name: "net-1" })) },
      { says: "a local user's name", effect: put.user(sample.user(2, { name: "user-1" })) },
      { says: "a provider's id", effect: put.user(sample.user(2, { name: "x", providerId: "iss/9" })) },
      {
        says: "a pre-auth key's prefix",
        effect: put.authKey(sample.authKey(2, { prefix: sample.authKey(1).prefix })),
      },
      { says: "an API key's prefix", effect: put.apiKey(sample.apiKey(2, { prefix: sample.apiKey(1).prefix })) },
      {
        says: "no user that is there",
        effect: put.node(sample.node(2, { owner: { kind: "user", userId: 99 as UserId } })),
      },
      { says: "a user who still has nodes", effect: drop(put.user(sample.user(1))) },
    ])("refuses a second $says as a conflict, with everything that came with it", async ({ effect }) => {
      const before = await loaded(full.store);
      const numbering = new Numbering(before.revisions);
      const changes = numbering.changes(put.user(sample.user(50)), effect);
      await expect(full.store.commit(changes)).rejects.toMatchObject({ code: "conflict" });
      expect(await loaded(full.store)).toEqual(before);
    });
  });
});
