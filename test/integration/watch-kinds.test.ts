import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { WatchResponse } from "@headscale/gen/headscale/v1/watch_pb.ts";
import type { SSHAction } from "@headscale/tailcfg";
import { type ChangeKind, defaultTailnetId } from "@headscale/tailnet";
import { describe, expect, test } from "vitest";
import type { AdminClients } from "../support/admin-clients.ts";
import { freshName, join } from "../support/admin-ways.ts";
import { TestDaemon } from "../support/daemon.ts";

/** Reads a watch in the background until its block ends. */
class Heard implements AsyncDisposable {
  readonly messages: WatchResponse[] = [];
  readonly #hangUp = new AbortController();
  readonly #reading: Promise<unknown>;

  constructor(admin: AdminClients, wanted: Parameters<AdminClients["watch"]["watch"]>[0]) {
    this.#reading = this.#read(admin.watch.watch(wanted, { signal: this.#hangUp.signal, timeoutMs: 0 }));
  }

  async #read(watch: AsyncIterable<WatchResponse>): Promise<void> {
    try {
      for await (const message of watch) this.messages.push(message);
    } catch {
      // However it ends: by this side, or because the daemon went.
    }
  }

  get changes() {
    return this.messages.flatMap(({ change }) => (change ? [change] : []));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#hangUp.abort();
    await this.#reading;
  }
}

const policy = (ssh: string) => `{
  "tagOwners": {"tag:web": ["owner@"]},
  "autoApprovers": {"routes": {"10.8.0.0/16": ["owner@"]}},
  "acls": [{"action": "accept", "src": ["*"], "dst": ["*:*"]}],
  "ssh": [${ssh}]
}`;
const checks =
  '{"action": "check", "src": ["autogroup:member"], "dst": ["autogroup:self"], "users": ["root"], "checkPeriod": "24h"}';

/** What makes each kind of change; those without an entry come with another one. */
type Provoke = (its: Setting) => Promise<unknown>;
type Setting = Awaited<ReturnType<typeof setting>>;

async function setting(daemon: TestDaemon) {
  const { headscale, tailnets, users } = daemon.admin;
  const { user } = await headscale.createUser({ name: "owner" });
  await headscale.setPolicy({ policy: policy(checks) });
  const [one, two] = [await join(daemon, { userId: user!.id }), await join(daemon, { userId: user!.id })];
  const login = async () => {
    const { AuthURL = "" } = await daemon.client().register();
    return AuthURL.slice(AuthURL.lastIndexOf("/") + 1);
  };
  const check = async (path: string) => {
    const { body } = await one.device.request({ method: "GET", path });
    return JSON.parse(body.toString()) as SSHAction;
  };
  return { daemon, headscale, tailnets, users, user: user!.id, one, two, login, check };
}

const provoking = {
  "tailnet-created": ({ tailnets }) => tailnets.createTailnet({ name: "lab" }),
  "tailnet-owner-set": undefined,
  "tailnet-renamed": ({ tailnets }) => tailnets.renameTailnet({ tailnet: "lab", newName: "labs" }),
  "tailnet-deleted": ({ tailnets }) => tailnets.deleteTailnet({ tailnet: "labs" }),
  "user-created": ({ headscale }) => headscale.createUser({ name: "guest" }),
  "user-renamed": async ({ headscale }) => {
    const { users } = await headscale.listUsers({ name: "guest" });
    await headscale.renameUser({ oldId: users[0]!.id, newName: "visitor" });
  },
  "user-updated": undefined,
  "user-role-set": ({ users, user }) => users.setUserRole({ id: user, role: "admin" }),
  "user-deleted": async ({ headscale }) => {
    const { users } = await headscale.listUsers({ name: "visitor" });
    await headscale.deleteUser({ id: users[0]!.id });
  },
  "auth-key-created": undefined,
  "auth-key-used": undefined,
  "node-registered": ({ daemon, user }) => join(daemon, { userId: user }),
  "auth-key-expired": async ({ headscale, user }) => {
    const { preAuthKey } = await headscale.createPreAuthKey({ user });
    await headscale.expirePreAuthKey({ id: preAuthKey!.id });
  },
  "auth-key-deleted": async ({ headscale, user }) => {
    const { preAuthKey } = await headscale.createPreAuthKey({ user });
    await headscale.deletePreAuthKey({ id: preAuthKey!.id });
  },
  "api-key-created": ({ headscale }) => headscale.createApiKey({}),
  "api-key-expired": async ({ headscale }) => {
    const [key] = (await headscale.listApiKeys({})).apiKeys;
    await headscale.expireApiKey({ id: key!.id });
  },
  "api-key-deleted": async ({ headscale }) => {
    const [key] = (await headscale.listApiKeys({})).apiKeys;
    await headscale.deleteApiKey({ id: key!.id });
  },
  "node-renamed": ({ headscale, one }) => headscale.renameNode({ nodeId: one.id, newName: "first" }),
  "node-hostname-reported": ({ two }) => two.device.liteUpdate({ hostinfo: { Hostname: "second" } }),
  "node-expiry-set": ({ headscale, two }) =>
    headscale.expireNode({ nodeId: two.id, expiry: timestampFromMs(Date.now() + 3_600_000) }),
  "routes-approved": ({ headscale, one }) => headscale.setApprovedRoutes({ nodeId: one.id, routes: ["10.9.0.0/24"] }),
  "routes-auto-approved": ({ one }) =>
    one.device.liteUpdate({ hostinfo: { Hostname: "first", RoutableIPs: ["10.8.1.0/24"] } }),
  "auth-request-created": undefined,
  "auth-request-accepted": async ({ headscale, login }) =>
    headscale.authRegister({ user: "owner", authId: await login() }),
  "auth-request-rejected": async ({ headscale, login }) => headscale.authReject({ authId: await login() }),
  "auth-request-kept": async ({ headscale, one, two, check }) => {
    const { holdAndDelegate } = await check(`/machine/ssh/action/${two.id}/to/${one.id}?local_user=root`);
    const url = new URL(holdAndDelegate ?? "");
    await headscale.authApprove({ authId: url.searchParams.get("auth_id")! });
    expect(await check(url.pathname + url.search)).toMatchObject({ accept: true });
  },
  "policy-set": ({ headscale }) => headscale.setPolicy({ policy: policy("") }),
  "auth-request-revoked": undefined,
  "auth-request-expired": undefined,
  "node-refreshed": async ({ headscale, user, two }) => {
    await headscale.expireNode({ nodeId: two.id });
    const { preAuthKey } = await headscale.createPreAuthKey({ user });
    await two.device.register({ authKey: preAuthKey!.key });
  },
  "node-reauthenticated": async ({ headscale, user, two }) => {
    two.device.rotateNodeKey();
    const { preAuthKey } = await headscale.createPreAuthKey({ user });
    await two.device.register({ authKey: preAuthKey!.key });
  },
  "node-expired": ({ headscale, two }) => headscale.expireNode({ nodeId: two.id }),
  "node-logged-out": ({ one }) => one.device.logout(),
  "node-tagged": ({ headscale, two }) => headscale.setTags({ nodeId: two.id, tags: ["tag:web"] }),
  "node-deleted": ({ headscale, one }) => headscale.deleteNode({ nodeId: one.id }),
  "node-readdressed": undefined,
} satisfies Record<ChangeKind, Provoke | undefined>;

/** Kinds that take another configuration, and the one that takes an identity provider. */
const timed: readonly ChangeKind[] = ["auth-request-expired", "node-readdressed"];
const elsewhere: readonly ChangeKind[] = [...timed, "user-updated"];

describe("a watch of everything", () => {
  test("tells of every kind of change there is, each once and in order, with words for people", async () => {
    await using daemon = await TestDaemon.start();
    const its = await setting(daemon);
    await using heard = new Heard(daemon.admin, { tailnet: "*" });
    await expect.poll(() => heard.messages.length).toBe(1);
    for (const [kind, provoke] of Object.entries(provoking)) {
      await provoke?.(its);
      if (provoke) await expect.poll(() => heard.changes.map((change) => change.kind)).toContain(kind);
    }
    await expect.poll(() => heard.changes.map(({ kind }) => kind)).toContain("auth-request-revoked");
    const kinds = new Set(heard.changes.map(({ kind }) => kind));
    const missing = Object.keys(provoking).filter((kind) => !kinds.has(kind));
    expect(missing.sort()).toEqual([...elsewhere].sort());
    for (const { kind, summary, subject, actor, time } of heard.changes) {
      expect([kind, summary, actor]).not.toContain("");
      expect(subject).toMatch(/^[a-z-]+:[\w-]+$/);
      expect(time).toBeDefined();
    }
    const told = heard.changes.filter(({ tailnet }) => tailnet === "default").map(({ revision }) => revision);
    expect(told).toEqual(told.map((_, i) => told[0]! + BigInt(i)));
  });

  test("tells when time runs out, and of addresses that change", async () => {
    await using daemon = await TestDaemon.start({
      config: { tuning: { register_cache_expiration: "100ms" }, prefixes: { v4: "100.64.0.0/10" } },
    });
    await daemon.admin.headscale.createUser({ name: "owner" });
    await join(daemon);
    await daemon.restart({ prefixes: { v4: "100.64.0.0/10", v6: "fd7a:115c:a1e0::/48" } });
    await using heard = new Heard(daemon.admin, { tailnet: "*" });
    await expect.poll(() => heard.messages.length).toBe(1);
    await daemon.client().register();
    await daemon.admin.headscale.backfillNodeIPs({ confirmed: true });
    await expect.poll(() => heard.changes.map(({ kind }) => kind)).toEqual(expect.arrayContaining([...timed]));
  });

  test("tells of nodes that come, stay through a reconnect, and go", async () => {
    await using daemon = await TestDaemon.start({ config: { tuning: { offline_grace: "500ms" } } });
    await daemon.admin.headscale.createUser({ name: "owner" });
    const { device, id } = await join(daemon);
    await using heard = new Heard(daemon.admin, { presence: true, kinds: ["node-online", "node-offline"] });
    await expect.poll(() => heard.messages.length).toBe(1);
    for (let i = 0; i < 3; i++) {
      await using map = await device.follow();
      await map.until(({ self }) => self !== undefined, "it has its map");
    }
    await expect.poll(() => heard.changes.length, { timeout: 10_000 }).toBe(2);
    expect(heard.changes.map(({ kind, subject, summary }) => [kind, subject, summary])).toEqual([
      ["node-online", `node:${id}`, expect.stringContaining("connected")],
      ["node-offline", `node:${id}`, expect.stringContaining("went offline")],
    ]);
  });
});

test("a watch that resumes loses nothing and hears nothing twice, whoever went away", async () => {
  await using daemon = await TestDaemon.start();
  const change = () => daemon.admin.headscale.createUser({ name: freshName("user") });
  await change();
  const newest = () => BigInt(daemon.daemon.live.world.revisions.get(defaultTailnetId)!);
  const start = newest();
  const seen: bigint[] = [];
  const listen = async (during: () => Promise<unknown>) => {
    await using heard = new Heard(daemon.admin, { afterRevision: seen.at(-1) ?? start });
    await expect.poll(() => heard.messages.length).toBeGreaterThan(0);
    await during();
    seen.push(...heard.changes.map(({ revision }) => revision));
  };
  await listen(change);
  await change();
  await listen(() => Promise.all([change(), change(), daemon.restart()].map((done) => done.catch(() => undefined))));
  await change();
  await listen(async () => {
    await change();
    await daemon.stop();
  });
  await daemon.restart();
  await change();
  await listen(() => expect.poll(() => newest()).toBeGreaterThan(start));
  await using rest = new Heard(daemon.admin, { afterRevision: seen.at(-1) ?? start });
  await expect.poll(() => (seen.at(-1) ?? start) + BigInt(rest.changes.length)).toBe(newest());
  const all = [...seen, ...rest.changes.map(({ revision }) => revision)];
  expect(all).toEqual(Array.from({ length: Number(newest() - start) }, (_, i) => start + BigInt(i + 1)));
});
