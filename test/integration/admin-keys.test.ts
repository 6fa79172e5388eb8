import { type Timestamp, timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type AdminClients, adminClients, tcpTransport } from "../support/admin-clients.ts";
import { adminWays, freshName } from "../support/admin-ways.ts";
import { TestDaemon } from "../support/daemon.ts";

let daemon: TestDaemon;
beforeAll(async () => {
  daemon = await TestDaemon.start();
  await daemon.admin.headscale.createUser({ name: "owner" });
});
afterAll(() => daemon?.[Symbol.asyncDispose]());

const inAnHour = () => timestampFromMs(Math.floor(Date.now() / 1000) * 1000 + 3_600_000);
const ms = (time: Timestamp | undefined) => time && timestampMs(time);

describe.for(adminWays)("pre-auth keys, $way", ({ open }) => {
  let admin: AdminClients;
  let user: bigint;
  beforeAll(async () => {
    admin = await open(daemon);
    user = (await admin.headscale.createUser({ name: freshName("user") })).user!.id;
  });
  const create = async (fields: object = {}) =>
    (await admin.headscale.createPreAuthKey({ user, ...fields })).preAuthKey!;
  const listed = async (id: bigint) =>
    (await admin.headscale.listPreAuthKeys({})).preAuthKeys.find((key) => key.id === id);
  const joining = async (authKey: string) => (await daemon.client().register({ authKey })).MachineAuthorized ?? false;

  test("show their secret once, and what they are for ever", async () => {
    const expiration = inAnHour();
    const key = await create({ reusable: true, ephemeral: true, expiration, aclTags: ["tag:b", "tag:a"] });
    expect(key.key).toMatch(/^hskey-auth-[0-9a-f]{12}-[0-9a-f]{64}$/);
    expect(key).toMatchObject({ reusable: true, ephemeral: true, used: false, aclTags: ["tag:a", "tag:b"] });
    expect(key).toMatchObject({ user: { id: user }, tailnet: "default" });
    expect(ms(key.expiration)).toBe(ms(expiration));
    const { key: masked, ...shown } = (await listed(key.id))!;
    expect(masked).toBe(`${key.key.slice(0, -65)}-***`);
    expect(shown).toEqual({ ...shown, ...key, key: undefined });
  });

  test("without an expiration never expire", async () => {
    const key = await create();
    expect(key.expiration).toBeUndefined();
    expect(await joining(key.key)).toBe(true);
  });

  test("are used up by one node unless they are reusable", async () => {
    const [once, often] = [await create(), await create({ reusable: true })];
    expect([await joining(once.key), await joining(once.key)]).toEqual([true, false]);
    expect([await joining(often.key), await joining(often.key)]).toEqual([true, true]);
    expect([(await listed(once.id))?.used, (await listed(often.id))?.used]).toEqual([true, true]);
  });

  test("belong to the default owner when neither user nor tags are named", async () => {
    expect((await admin.headscale.createPreAuthKey({})).preAuthKey).toMatchObject({ user: { name: "owner" } });
    const tagged = (await admin.headscale.createPreAuthKey({ aclTags: ["tag:a"] })).preAuthKey!;
    expect(tagged.user).toBeUndefined();
  });

  test.for([
    { says: "a tag without its prefix", aclTags: ["a"] },
    { says: "a tag with a space", aclTags: ["tag:a b"] },
    { says: "an empty tag", aclTags: ["tag:"] },
  ])("are refused with $says", async ({ aclTags }) => {
    await expect(create({ aclTags })).rejects.toMatchObject({ code: Code.InvalidArgument });
  });

  test("are expired, after which nobody joins with them", async () => {
    const key = await create({ reusable: true });
    await admin.headscale.expirePreAuthKey({ id: key.id });
    expect(ms((await listed(key.id))?.expiration)).toBeLessThanOrEqual(Date.now());
    expect(await joining(key.key)).toBe(false);
    await admin.headscale.expirePreAuthKey({ id: key.id });
  });

  test("are deleted, after which nobody joins with them and their nodes stay", async () => {
    const key = await create({ reusable: true });
    const device = daemon.client();
    await device.register({ authKey: key.key });
    await admin.headscale.deletePreAuthKey({ id: key.id });
    expect(await listed(key.id)).toBeUndefined();
    expect(await joining(key.key)).toBe(false);
    const { nodes } = await admin.headscale.listNodes({});
    const node = nodes.find(({ nodeKey }) => nodeKey === device.nodeKey)!;
    expect(node.preAuthKey).toBeUndefined();
  });

  test("that nobody knows are not found", async () => {
    for (const call of [admin.headscale.expirePreAuthKey, admin.headscale.deletePreAuthKey]) {
      await expect(call({ id: 999_999n })).rejects.toMatchObject({ code: Code.NotFound });
      await expect(call({})).rejects.toMatchObject({ code: Code.NotFound });
    }
  });

  test("are listed by id", async () => {
    await create();
    await create();
    const ids = (await admin.headscale.listPreAuthKeys({})).preAuthKeys.map(({ id }) => id);
    expect(ids).toEqual(ids.toSorted((a, b) => Number(a - b)));
  });
});

describe.for(adminWays)("API keys, $way", ({ open }) => {
  let admin: AdminClients;
  beforeAll(async () => {
    admin = await open(daemon);
  });
  const opens = (key: string) =>
    adminClients(tcpTransport(daemon.url, { headers: { authorization: `Bearer ${key}` } }))
      .headscale.listUsers({})
      .then(
        () => true,
        () => false,
      );
  const listed = async (key: string) =>
    (await admin.headscale.listApiKeys({})).apiKeys.find(({ prefix }) => prefix === `${key.slice(0, -65)}-***`);

  test("show their secret once, and open the API until they expire", async () => {
    const expiration = inAnHour();
    const { apiKey } = await admin.headscale.createApiKey({ expiration });
    expect(apiKey).toMatch(/^hskey-api-[0-9a-f]{12}-[0-9a-f]{64}$/);
    expect(await opens(apiKey)).toBe(true);
    expect(ms((await listed(apiKey))?.expiration)).toBe(ms(expiration));
    const { apiKey: past } = await admin.headscale.createApiKey({ expiration: timestampFromMs(Date.now() - 1000) });
    expect(await opens(past)).toBe(false);
    const { apiKey: lasting } = await admin.headscale.createApiKey({});
    expect((await listed(lasting))?.expiration).toBeUndefined();
    expect(await opens(lasting)).toBe(true);
  });

  test.for([
    { says: "the prefix alone", named: (key: string) => key.split("-")[2]! },
    { says: "the prefix as lists show it", named: (key: string) => `${key.slice(0, -65)}-***` },
  ])("are expired and deleted by $says", async ({ named }) => {
    const { apiKey } = await admin.headscale.createApiKey({});
    await admin.headscale.expireApiKey({ prefix: named(apiKey) });
    expect(await opens(apiKey)).toBe(false);
    await admin.headscale.deleteApiKey({ prefix: named(apiKey) });
    expect(await listed(apiKey)).toBeUndefined();
  });

  test("are expired and deleted by id", async () => {
    const { apiKey } = await admin.headscale.createApiKey({});
    const { id } = (await listed(apiKey))!;
    await admin.headscale.expireApiKey({ id });
    expect(await opens(apiKey)).toBe(false);
    await admin.headscale.deleteApiKey({ id });
    expect(await listed(apiKey)).toBeUndefined();
  });

  test("say when they were last used", async () => {
    const { apiKey } = await admin.headscale.createApiKey({});
    expect((await listed(apiKey))?.lastSeen).toBeUndefined();
    const before = Date.now();
    expect(await opens(apiKey)).toBe(true);
    expect(ms((await listed(apiKey))?.lastSeen)).toBeGreaterThanOrEqual(before);
  });

  test("are named by exactly one of prefix and id", async () => {
    const { apiKey } = await admin.headscale.createApiKey({});
    const { id, prefix } = (await listed(apiKey))!;
    for (const call of [admin.headscale.expireApiKey, admin.headscale.deleteApiKey]) {
      await expect(call({})).rejects.toMatchObject({ code: Code.InvalidArgument });
      await expect(call({ id, prefix })).rejects.toMatchObject({ code: Code.InvalidArgument });
      await expect(call({ id: 999_999n })).rejects.toMatchObject({ code: Code.NotFound });
      await expect(call({ prefix: "0123456789ab" })).rejects.toMatchObject({ code: Code.NotFound });
    }
    expect(await opens(apiKey)).toBe(true);
  });
});

test("keys work over a restart, and their secrets are not in what the server writes", async () => {
  await using fresh = await TestDaemon.start();
  await fresh.admin.headscale.createUser({ name: "alice" });
  const { apiKey } = await fresh.admin.headscale.createApiKey({});
  const { preAuthKey } = await fresh.admin.headscale.createPreAuthKey({});
  const { changes } = await fresh.admin.audit.listChanges({ tailnet: "*" });
  const told = JSON.stringify(changes, (_, value) => (typeof value === "bigint" ? String(value) : value));
  expect(told).toContain("api-key-created");
  for (const key of [apiKey, preAuthKey!.key]) {
    expect(told).not.toContain(key.slice(-64));
    expect(told).not.toContain('"hash"');
  }
  await (await fresh.remote({ headers: { authorization: `Bearer ${apiKey}` } })).headscale.health({});
  await fresh.restart();
  const [kept] = (await fresh.admin.headscale.listApiKeys({})).apiKeys;
  expect(timestampMs(kept!.lastSeen!)).toBeGreaterThanOrEqual(timestampMs(kept!.createdAt!));
  const { headscale } = await fresh.remote({ headers: { authorization: `Bearer ${apiKey}` } });
  expect((await headscale.listPreAuthKeys({})).preAuthKeys).toMatchObject([{ id: preAuthKey!.id, used: false }]);
  expect((await fresh.client().register({ authKey: preAuthKey!.key })).MachineAuthorized).toBe(true);
});
