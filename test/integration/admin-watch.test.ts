import { once } from "node:events";
import { request } from "node:http";
import { join as path } from "node:path";
import { Code, type ConnectError } from "@connectrpc/connect";
import type { WatchResponse } from "@headscale/gen/headscale/v1/watch_pb.ts";
import { openSqliteStore } from "@headscale/store";
import { defaultTailnetId, type UserId } from "@headscale/tailnet";
import { setUserRole } from "@headscale/tailnet/commands";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { AdminClients } from "../support/admin-clients.ts";
import { adminWays, freshName, join } from "../support/admin-ways.ts";
import { TestDaemon } from "../support/daemon.ts";

let daemon: TestDaemon;
beforeAll(async () => {
  daemon = await TestDaemon.start({ config: { limits: { watchers: 6, shutdown_timeout: "1s" } } });
  await daemon.admin.headscale.createUser({ name: "owner" });
});
afterAll(() => daemon?.[Symbol.asyncDispose]());

/** A watch that is read by hand; hung up on at the end of its block. */
class Watching implements AsyncDisposable {
  readonly #hangUp = new AbortController();
  readonly #messages: AsyncIterator<WatchResponse>;

  constructor(admin: AdminClients, wanted: Parameters<AdminClients["watch"]["watch"]>[0] = {}) {
    const options = { signal: this.#hangUp.signal, timeoutMs: 0 };
    this.#messages = admin.watch.watch(wanted, options)[Symbol.asyncIterator]();
  }

  /** The next message; the first one only says that the watch is open. */
  async next(): Promise<WatchResponse> {
    const { value, done } = await this.#messages.next();
    if (done) throw new Error("the watch has ended");
    return value;
  }

  async open(): Promise<this> {
    expect((await this.next()).change).toBeUndefined();
    return this;
  }

  /** The kinds of the next changes, or what `pick` finds in them. */
  async take<T = string>(count: number, pick = (message: WatchResponse) => message.change?.kind as T): Promise<T[]> {
    const taken: T[] = [];
    while (taken.length < count) {
      const message = await this.next();
      if (message.change) taken.push(pick(message));
    }
    return taken;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#hangUp.abort();
    await this.#messages.next().catch(() => undefined);
  }
}

const revision = () => BigInt(daemon.daemon.live.world.revisions.get(defaultTailnetId) ?? 0);
const untilHolds = async (holds: () => Promise<boolean>) => {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 10));
};

describe.for(adminWays)("a watch, $way", ({ open }) => {
  let admin: AdminClients;
  beforeAll(async () => {
    admin = await open(daemon);
  });
  const change = () => admin.headscale.createUser({ name: freshName("user") });

  test("opens with the revision from which it goes on, then says what happens", async () => {
    await using watching = new Watching(admin);
    expect(await watching.next()).toMatchObject({ revision: revision() });
    const { user } = await change();
    const message = await watching.next();
    expect(message).toMatchObject({
      revision: revision(),
      change: {
        revision: revision(),
        tailnet: "default",
        kind: "user-created",
        subject: `user:${user!.id}`,
        summary: `user "${user!.name}" was created`,
        actor: expect.stringMatching(/^(socket|api-key:[0-9a-f]{12})$/),
        detail: { name: user!.name },
      },
    });
    expect(message.change?.detail).not.toHaveProperty("hash");
  });

  test("resumes where it was left: nothing is missed, nothing is said twice", async () => {
    const start = revision();
    const seen: bigint[] = [];
    const busy = (async () => {
      for (let i = 0; i < 60; i++) await change();
    })();
    while (seen.length < 60) {
      await using watching = new Watching(admin, { afterRevision: seen.at(-1) ?? start });
      seen.push(...(await watching.take(Math.min(7, 60 - seen.length), ({ revision }) => revision)));
    }
    await busy;
    expect(seen).toEqual(Array.from({ length: 60 }, (_, i) => start + BigInt(i + 1)));
  });

  test("may begin at the beginning", async () => {
    await using watching = new Watching(admin, { afterRevision: 0n });
    const all = await watching.take(Number(revision()), (message) => message.change!.revision);
    expect(all).toEqual(Array.from({ length: Number(revision()) }, (_, i) => BigInt(i + 1)));
  });

  test("cannot resume from what has not happened yet", async () => {
    const early = new Watching(admin, { afterRevision: revision() + 1n });
    await expect(early.next()).rejects.toMatchObject({ code: Code.OutOfRange });
  });

  test("says only the kinds that are asked for, and how far it has come all the same", async () => {
    await using exact = await new Watching(admin, { kinds: ["user-renamed", "auth-key-created"] }).open();
    await using prefix = await new Watching(admin, { kinds: ["auth-key-"] }).open();
    const { user } = await change();
    await admin.headscale.renameUser({ oldId: user!.id, newName: freshName("user") });
    const { preAuthKey } = await admin.headscale.createPreAuthKey({ user: user!.id });
    await admin.headscale.expirePreAuthKey({ id: preAuthKey!.id });
    expect(await exact.take(2)).toEqual(["user-renamed", "auth-key-created"]);
    expect(await prefix.take(2, ({ revision }) => revision)).toEqual([revision() - 1n, revision()]);
  });

  test("tells of devices that come only when it is asked for, at the revision where they do", async () => {
    await using quiet = await new Watching(admin).open();
    await using told = await new Watching(admin, { presence: true }).open();
    const { device, id } = await join(daemon);
    const joined = revision();
    await using map = await device.follow();
    await map.until((netmap) => netmap.self !== undefined, "it has its map");
    await change();
    const kinds = ["auth-key-created", "node-registered", "auth-key-used"];
    expect(await quiet.take(4)).toEqual(expect.arrayContaining(["user-created"]));
    const all = await told.take(5, ({ change, revision }) => ({
      kind: change!.kind,
      subject: change!.subject,
      revision,
    }));
    expect(all.map(({ kind }) => kind)).toEqual(expect.arrayContaining([...kinds, "node-online", "user-created"]));
    expect(all.find(({ kind }) => kind === "node-online")).toEqual({
      kind: "node-online",
      subject: `node:${id}`,
      revision: joined,
    });
  });

  test("of all namespaces has no revision to resume from, and sees what concerns the whole server", async () => {
    await using all = await new Watching(admin, { tailnet: "*" }).open();
    await using one = await new Watching(admin).open();
    const lab = freshName("lab");
    await admin.tailnets.createTailnet({ name: lab });
    await admin.headscale.createApiKey({});
    await change();
    expect(await all.take(5, ({ change, revision }) => `${change!.kind} in "${change!.tailnet}", ${revision}`)).toEqual(
      [
        `tailnet-created in "${lab}", 0`,
        `user-created in "${lab}", 0`,
        `tailnet-owner-set in "${lab}", 0`,
        `api-key-created in "", 0`,
        `user-created in "default", 0`,
      ],
    );
    expect(await one.take(1)).toEqual(["user-created"]);
    const resumed = new Watching(admin, { tailnet: "*", afterRevision: 1n });
    await expect(resumed.next()).rejects.toMatchObject({ code: Code.InvalidArgument });
    const unknown = new Watching(admin, { tailnet: "nowhere" });
    await expect(unknown.next()).rejects.toMatchObject({ code: Code.NotFound });
  });

  test("makes room when its reader hangs up", async () => {
    for (let round = 0; round < 3; round++) {
      await using open = new AsyncDisposableStack();
      let code: Code | undefined;
      for (let i = 0; i < 6; ) {
        const watching = open.use(new Watching(admin));
        code = await watching.next().then(
          () => undefined,
          (error: ConnectError) => error.code,
        );
        // Whoever hung up just before may still be counted.
        if (code === undefined) i++;
      }
      await expect(new Watching(admin).next()).rejects.toMatchObject({ code: Code.ResourceExhausted });
    }
  });
});

describe("a watch over REST", () => {
  test("is a line for each message, and makes room when its reader hangs up", async () => {
    const headers = { authorization: `Bearer ${await daemon.apiKey()}` };
    const { port } = new URL(daemon.url);
    const open = async () => {
      const asked = request({
        host: "127.0.0.1",
        port,
        path: "/api/v1/watch?kinds=user-created",
        headers,
        agent: false,
      }).end();
      const [response] = await once(asked, "response");
      return { asked, status: response.statusCode as number, response };
    };
    const watching: Awaited<ReturnType<typeof open>>[] = [];
    while (watching.length < 6) {
      const one = await open();
      if (one.status === 200) watching.push(one);
    }
    const full = await open();
    expect(full.status).toBe(429);
    const { name } = (await daemon.admin.headscale.createUser({ name: freshName("user") })).user!;
    const lines: unknown[] = [];
    let text = "";
    for await (const chunk of watching[0]!.response) {
      text += chunk;
      const whole = text.split("\n");
      text = whole.pop() ?? "";
      lines.push(...whole.map((line) => JSON.parse(line)));
      if (lines.length === 2) break;
    }
    expect(lines).toMatchObject([
      { result: { change: null } },
      { result: { change: { summary: `user "${name}" was created` } } },
    ]);
    for (const { asked } of [...watching, full]) asked.destroy();
    await untilHolds(async () => {
      const again = await open();
      again.asked.destroy();
      return again.status === 200;
    });
    await untilHolds(async () => {
      await using free = new AsyncDisposableStack();
      const opened = Array.from({ length: 6 }, () => free.use(new Watching(daemon.admin)).next());
      return (await Promise.allSettled(opened)).every(({ status }) => status === "fulfilled");
    });
  });
});

describe("a watch that falls behind", () => {
  test("ends with a word about resuming, and the server keeps nothing for it", async () => {
    const admin = await daemon.remote({ protocol: "gRPC" });
    await using slow = await new Watching(admin).open();
    const { live } = daemon.daemon;
    const owner = 1 as UserId;
    for (let i = 0; i < 8; i++) {
      const turns = Array.from({ length: 1000 }, (_, j) =>
        live.execute(setUserRole(owner, j % 2 ? "admin" : "auditor"), "test"),
      );
      await Promise.all(turns);
    }
    let last = 0n;
    const rest = (async () => {
      for (;;) last = (await slow.next()).revision;
    })();
    await expect(rest).rejects.toMatchObject({ code: Code.Aborted, message: expect.stringContaining("resume") });
    await using resumed = await new Watching(admin, { afterRevision: last }).open();
    expect(await resumed.take(1, ({ revision }) => revision)).toEqual([last + 1n]);
  });
});

test("a watch cannot resume from before what the history keeps", async () => {
  await using fresh = await TestDaemon.start();
  for (const name of ["one", "two"]) await fresh.admin.headscale.createUser({ name });
  await fresh.stop();
  const store = await openSqliteStore({ path: path(fresh.folder, "db.sqlite") });
  await store.forgetHistory({ before: Date.now() + 1 });
  await store[Symbol.asyncDispose]();
  await fresh.restart();
  const gone = new Watching(fresh.admin, { afterRevision: 1n });
  await expect(gone.take(1)).rejects.toMatchObject({ code: Code.OutOfRange });
});

test("the daemon itself forgets what is past the limits, and a watch from there is told to start over", async () => {
  await using fresh = await TestDaemon.start();
  const { live } = fresh.daemon;
  await fresh.admin.headscale.createUser({ name: "owner" });
  for (let i = 0; i < 2; i++) {
    const turns = Array.from({ length: 600 }, (_, j) =>
      live.execute(setUserRole(1 as UserId, j % 2 ? "admin" : "auditor"), "test"),
    );
    await Promise.all(turns);
  }
  const newest = BigInt(live.world.revisions.get(defaultTailnetId)!);
  await fresh.restart({ audit: { max_entries: 1000 } });
  const oldest = async () => (await fresh.admin.audit.listChanges({ oldestFirst: true, pageSize: 1 })).changes[0]!;
  await untilHolds(async () => (await oldest()).revision > 1n);
  expect((await oldest()).revision).toBe(newest - 999n);
  const gone = new Watching(fresh.admin, { afterRevision: newest - 1001n });
  await expect(gone.take(1)).rejects.toMatchObject({
    code: Code.OutOfRange,
    message: expect.stringContaining("no longer reaches back"),
  });
  await using kept = new Watching(fresh.admin, { afterRevision: newest - 1000n });
  expect(await kept.take(1, ({ revision }) => revision)).toEqual([newest - 999n]);
});
