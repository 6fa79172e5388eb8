import { Code } from "@connectrpc/connect";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { AdminClients } from "../support/admin-clients.ts";
import { adminWays, freshName, join } from "../support/admin-ways.ts";
import { TestDaemon } from "../support/daemon.ts";

let daemon: TestDaemon;
beforeAll(async () => {
  daemon = await TestDaemon.start();
});
afterAll(() => daemon?.[Symbol.asyncDispose]());

describe.for(adminWays)("users, $way", ({ open }) => {
  let admin: AdminClients;
  beforeAll(async () => {
    admin = await open(daemon);
  });
  const create = async (fields: object = {}) =>
    (await admin.headscale.createUser({ name: freshName("user"), ...fields })).user!;

  test("are created with everything that is said about them", async () => {
    const name = freshName("alice");
    const { user } = await admin.headscale.createUser({
      name,
      displayName: "Alice A.",
      email: "alice@example.com",
      pictureUrl: "https://example.com/a.png",
    });
    expect(user).toMatchObject({
      name,
      displayName: "Alice A.",
      email: "alice@example.com",
      profilePicUrl: "https://example.com/a.png",
      tailnet: "default",
      provider: "",
      providerId: "",
    });
    expect(user!.id).toBeGreaterThan(0n);
    expect(user!.createdAt!.seconds).toBeGreaterThan(1_700_000_000n);
  });

  test.for([
    { says: "no name", name: "" },
    { says: "a name of one letter", name: "a" },
    { says: "a name that begins with a digit", name: "1alice" },
    { says: "a name with a space", name: "al ice" },
    { says: "a name with a slash", name: "al/ice" },
    { says: "two at signs", name: "a@b@c" },
    { says: "a name without end", name: `a${"b".repeat(255)}` },
  ])("are refused with $says", async ({ name }) => {
    await expect(admin.headscale.createUser({ name })).rejects.toMatchObject({ code: Code.InvalidArgument });
  });

  test("have names of their own", async () => {
    const { name } = await create();
    await expect(admin.headscale.createUser({ name })).rejects.toMatchObject({ code: Code.AlreadyExists });
    const other = await create();
    await expect(admin.headscale.renameUser({ oldId: other.id, newName: name })).rejects.toMatchObject({
      code: Code.AlreadyExists,
    });
  });

  test("are renamed by id, be it to the name they have", async () => {
    const { id } = await create();
    const newName = freshName("bob");
    expect((await admin.headscale.renameUser({ oldId: id, newName })).user).toMatchObject({ id, name: newName });
    expect((await admin.headscale.renameUser({ oldId: id, newName })).user).toMatchObject({ id, name: newName });
    expect((await admin.headscale.listUsers({ name: newName })).users).toMatchObject([{ id }]);
    await expect(admin.headscale.renameUser({ oldId: id, newName: "no name" })).rejects.toMatchObject({
      code: Code.InvalidArgument,
    });
  });

  test("are listed by id; of the filters name counts before e-mail before id", async () => {
    const email = `${freshName("mail")}@example.com`;
    const [one, two] = [await create({ email }), await create()];
    const all = (await admin.headscale.listUsers({})).users.map(({ id }) => id);
    expect(all).toEqual(all.toSorted((a, b) => (a < b ? -1 : 1)));
    const list = async (filter: object) => (await admin.headscale.listUsers(filter)).users.map(({ id }) => id);
    expect(await list({ id: two.id })).toEqual([two.id]);
    expect(await list({ email })).toEqual([one.id]);
    expect(await list({ name: two.name })).toEqual([two.id]);
    expect(await list({ name: one.name, email: "x@example.com", id: two.id })).toEqual([one.id]);
    expect(await list({ email, id: two.id })).toEqual([one.id]);
    expect(await list({ name: "nobody" })).toEqual([]);
    expect(await list({ id: 999_999n })).toEqual([]);
  });

  test("go with their keys, but not while they have nodes", async () => {
    const { id } = await create();
    const node = await join(daemon, { userId: id });
    await expect(admin.headscale.deleteUser({ id })).rejects.toMatchObject({
      code: Code.FailedPrecondition,
      rawMessage: expect.stringContaining("user not empty: node(s) found"),
    });
    await admin.headscale.deleteNode({ nodeId: node.id });
    await admin.headscale.deleteUser({ id });
    expect((await admin.headscale.listUsers({ id })).users).toEqual([]);
    const { preAuthKeys } = await admin.headscale.listPreAuthKeys({});
    expect(preAuthKeys.filter(({ user }) => user?.id === id)).toEqual([]);
  });

  test("may leave tagged nodes behind", async () => {
    const { id } = await create();
    await admin.headscale.setPolicy({ policy: `{"tagOwners": {"tag:a": []}}` });
    const node = await join(daemon, { userId: id });
    await admin.headscale.setTags({ nodeId: node.id, tags: ["tag:a"] });
    await admin.headscale.deleteUser({ id });
    expect((await admin.headscale.getNode({ nodeId: node.id })).node).toMatchObject({ tags: ["tag:a"] });
  });

  test("have a role that can be set", async () => {
    const { id } = await create();
    expect((await admin.users.setUserRole({ id, role: "auditor" })).user).toMatchObject({ id, role: "auditor" });
    await expect(admin.users.setUserRole({ id, role: "king" })).rejects.toMatchObject({ code: Code.InvalidArgument });
  });

  test("that nobody knows are not found", async () => {
    const id = 999_999n;
    const calls = [
      admin.headscale.renameUser({ oldId: id, newName: freshName("x") }),
      admin.headscale.deleteUser({ id }),
      admin.users.setUserRole({ id, role: "member" }),
      admin.headscale.createPreAuthKey({ user: id }),
    ];
    for (const call of calls) await expect(call).rejects.toMatchObject({ code: Code.NotFound });
    await expect(admin.headscale.deleteUser({ id: 2n ** 63n })).rejects.toMatchObject({ code: Code.InvalidArgument });
  });
});

test("the first user of a server owns it, the others are members", async () => {
  await using fresh = await TestDaemon.start();
  const roles: (string | undefined)[] = [];
  for (const name of ["first", "second"]) roles.push((await fresh.admin.headscale.createUser({ name })).user?.role);
  expect(roles).toEqual(["owner", "member"]);
});
