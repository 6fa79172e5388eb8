import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import type { Change } from "@headscale/gen/headscale/v1/change_pb.ts";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { AdminClients } from "../support/admin-clients.ts";
import { adminWays, freshName } from "../support/admin-ways.ts";
import { TestDaemon } from "../support/daemon.ts";

let daemon: TestDaemon;
const lab = "lab";
beforeAll(async () => {
  daemon = await TestDaemon.start();
  const { headscale, tailnets } = daemon.admin;
  await headscale.createUser({ name: "owner" });
  await tailnets.createTailnet({ name: lab });
  for (let i = 0; i < 12; i++) {
    const tailnet = i % 3 === 0 ? lab : "";
    const { user } = await headscale.createUser({ name: `user${i}`, tailnet });
    if (i % 2 === 0) await headscale.createPreAuthKey({ user: user!.id, tailnet });
  }
});
afterAll(() => daemon?.[Symbol.asyncDispose]());

type Query = Parameters<AdminClients["audit"]["listChanges"]>[0];
const key = ({ tailnet, revision }: Change) => `${tailnet}@${revision}`;

describe.for(adminWays)("the audit log, $way", ({ open }) => {
  let admin: AdminClients;
  beforeAll(async () => {
    admin = await open(daemon);
  });

  async function pages(query: Query, pageSize: number): Promise<Change[][]> {
    const found: Change[][] = [];
    for (let pageToken = ""; ; ) {
      const { changes, nextPageToken } = await admin.audit.listChanges({ ...query, pageSize, pageToken });
      found.push(changes);
      if (nextPageToken === "") return found;
      pageToken = nextPageToken;
    }
  }

  test.for([
    { says: "of one namespace", query: { until: undefined } },
    { says: "of all namespaces", query: { tailnet: "*" } },
    { says: "from the oldest on", query: { oldestFirst: true } },
    { says: "of all, from the oldest on", query: { tailnet: "*", oldestFirst: true } },
    { says: "of one kind", query: { tailnet: "*", kinds: ["user-created"] } },
  ] as const)("gives every change $says once, in one order, whatever the size of pages", async ({ query }) => {
    const wanted = { ...query, kinds: [...("kinds" in query ? query.kinds : [])], until: timestampFromMs(Date.now()) };
    const whole = (await pages(wanted, 1000)).flat().map(key);
    expect(new Set(whole).size).toBe(whole.length);
    expect(whole.length).toBeGreaterThan(8);
    for (const size of [1, 3, whole.length, whole.length - 1]) {
      const cut = await pages(wanted, size);
      expect(cut.flat().map(key)).toEqual(whole);
      expect(cut.every(({ length }) => length <= size)).toBe(true);
    }
    const ascending = "oldestFirst" in query;
    const ofDefault = whole.filter((name) => name.startsWith("default@")).map((name) => Number(name.split("@")[1]));
    expect(ofDefault).toEqual(ofDefault.toSorted((a, b) => (ascending ? a - b : b - a)));
  });

  test("goes on where it was while new changes come in", async () => {
    const before = (await pages({}, 1000)).flat().map(key);
    const { changes, nextPageToken } = await admin.audit.listChanges({ pageSize: 4 });
    await admin.headscale.createUser({ name: freshName("late") });
    const rest = await admin.audit.listChanges({ pageSize: 1000, pageToken: nextPageToken });
    expect([...changes, ...rest.changes].map(key)).toEqual(before);
    expect(rest.nextPageToken).toBe("");
  });

  test("finds by kind, kinds that begin alike, subject, actor and time, and by all of them together", async () => {
    const all = (await pages({ tailnet: "*" }, 1000)).flat();
    const found = async (query: Query) => (await pages({ tailnet: "*", ...query }, 1000)).flat().map(key);
    const those = (holds: (change: Change) => boolean) => all.filter(holds).map(key);
    const some = all[7]!;
    const [since, until] = [all[9]!.time!, all[3]!.time!];
    expect(await found({ kinds: ["auth-key-created"] })).toEqual(those(({ kind }) => kind === "auth-key-created"));
    expect(await found({ kinds: ["tailnet-", "auth-key-created"] })).toEqual(
      those(({ kind }) => kind.startsWith("tailnet-") || kind === "auth-key-created"),
    );
    expect(await found({ subject: some.subject })).toEqual(those(({ subject }) => subject === some.subject));
    expect(await found({ subject: "user" })).toEqual(those(({ subject }) => subject.startsWith("user:")));
    expect(await found({ actor: "socket" })).toEqual(those(({ actor }) => actor === "socket"));
    expect(await found({ actor: "nobody" })).toEqual([]);
    const inTime = ({ time }: Change) =>
      timestampMs(time!) >= timestampMs(since) && timestampMs(time!) <= timestampMs(until);
    expect(await found({ since, until })).toEqual(those(inTime));
    expect(await found({ since, until, kinds: ["user-"], actor: "socket" })).toEqual(
      those((change) => inTime(change) && change.kind.startsWith("user-") && change.actor === "socket"),
    );
    expect(await found({ kinds: ["%", "user_created", "us%-"] })).toEqual([]);
  });

  test("gives at most so many at once, and a sensible number when nobody says", async () => {
    expect((await admin.audit.listChanges({ tailnet: "*" })).changes.length).toBeGreaterThan(20);
    expect(
      (await admin.audit.listChanges({ tailnet: "*", pageSize: 2_147_483_647 })).changes.length,
    ).toBeLessThanOrEqual(1000);
  });

  test.for([
    { says: "a page of fewer than none", query: { pageSize: -1 } },
    { says: "a token that no page gave", query: { pageToken: "next" } },
    { says: "a token with a sign", query: { pageToken: "-1" } },
    { says: "a token that is a statement", query: { pageToken: "1 or 1=1" } },
    { says: "a token that is too long", query: { pageToken: "9".repeat(400) } },
    { says: "a token of zeros and a NUL", query: { pageToken: "0\0" } },
    { says: "a subject that is none", query: { subject: "planet:1" } },
    { says: "a subject without a number", query: { subject: "node:x'--" } },
  ])("refuses $says", async ({ query }) => {
    await expect(admin.audit.listChanges(query)).rejects.toMatchObject({ code: Code.InvalidArgument });
  });

  test("of a namespace that is not there says so", async () => {
    await expect(admin.audit.listChanges({ tailnet: "nowhere" })).rejects.toMatchObject({ code: Code.NotFound });
    expect((await pages({ tailnet: lab }, 1000)).flat().every(({ tailnet }) => tailnet === lab)).toBe(true);
  });

  test("past its end is empty", async () => {
    expect(await admin.audit.listChanges({ pageToken: "0" })).toMatchObject({ changes: [], nextPageToken: "" });
    expect(await admin.audit.listChanges({ pageToken: "999999999999999", oldestFirst: true })).toMatchObject({
      changes: [],
    });
  });
});
