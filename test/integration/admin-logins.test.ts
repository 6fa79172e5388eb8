import { randomBytes } from "node:crypto";
import { Code } from "@connectrpc/connect";
import type { SSHAction } from "@headscale/tailcfg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { AdminClients } from "../support/admin-clients.ts";
import { adminWays, freshName, join } from "../support/admin-ways.ts";
import type { ControlClient } from "../support/control-client.ts";
import { TestDaemon } from "../support/daemon.ts";

const policy = `{
  "acls": [{"action": "accept", "src": ["*"], "dst": ["*:*"]}],
  "ssh": [{"action": "check", "src": ["autogroup:member"], "dst": ["autogroup:self"], "users": ["root"]}],
}`;

let daemon: TestDaemon;
beforeAll(async () => {
  daemon = await TestDaemon.start();
  await daemon.admin.headscale.setPolicy({ policy });
});
afterAll(() => daemon?.[Symbol.asyncDispose]());

const unknownId = () => `hskey-authreq-${randomBytes(12).toString("hex")}`;

/** A device that asks to be let in, and the auth id that its user is shown. */
async function waiting(options: Parameters<TestDaemon["client"]>[0] = {}) {
  const device = daemon.client(options);
  const { AuthURL: url = "" } = await device.register();
  expect(url).toMatch(/\/register\/hskey-authreq-[0-9a-f]{24}$/);
  return { device, url, authId: url.split("/").at(-1)! };
}

/** An SSH connection that the policy wants to see confirmed, as its destination asks about it. */
async function sshCheck(destination: ControlClient, src: bigint, dst: bigint) {
  const ask = async (path: string): Promise<SSHAction> => {
    const { body } = await destination.request({ method: "GET", path });
    return JSON.parse(body.toString());
  };
  const first = await ask(`/machine/ssh/action/${src}/to/${dst}?local_user=root`);
  const { pathname, search, searchParams } = new URL(first.holdAndDelegate!);
  return { authId: searchParams.get("auth_id")!, verdict: () => ask(`${pathname}${search}`) };
}

describe.for(adminWays)("logins that wait, $way", ({ open }) => {
  let admin: AdminClients;
  let user: string;
  let userId: bigint;
  beforeAll(async () => {
    admin = await open(daemon);
    user = freshName("user");
    userId = (await admin.headscale.createUser({ name: user })).user!.id;
  });

  test.for([
    {
      by: "AuthRegister",
      register: (to: AdminClients, who: string, id: string) => to.headscale.authRegister({ user: who, authId: id }),
    },
    {
      by: "RegisterNode",
      register: (to: AdminClients, who: string, id: string) => to.headscale.registerNode({ user: who, key: id }),
    },
    {
      by: "the id without its prefix",
      register: (to: AdminClients, who: string, id: string) =>
        to.headscale.authRegister({ user: who, authId: id.replace("hskey-authreq-", "") }),
    },
  ])("are let in by $by: the device learns it at once", async ({ register }) => {
    const { device, url, authId } = await waiting({
      hostinfo: { Hostname: freshName("laptop"), RoutableIPs: ["10.3.0.0/16"] },
    });
    const followed = device.register({ followup: url });
    const { node } = await register(admin, user, authId);
    expect(node).toMatchObject({ nodeKey: device.nodeKey, user: { id: userId, name: user } });
    expect(node).toMatchObject({ name: device.hostinfo.Hostname, availableRoutes: ["10.3.0.0/16"] });
    expect(await followed).toMatchObject({ MachineAuthorized: true, User: { ID: Number(userId) } });
    await expect(register(admin, user, authId)).rejects.toMatchObject({ code: Code.NotFound });
  });

  test("are turned down: the device is told", async () => {
    const { device, url, authId } = await waiting();
    const followed = device.register({ followup: url });
    await admin.headscale.authReject({ authId });
    const answer = await followed;
    expect(answer.MachineAuthorized ?? false).toBe(false);
    expect(answer.Error).toContain("reject");
    await expect(admin.headscale.authReject({ authId })).rejects.toMatchObject({ code: Code.NotFound });
    await expect(admin.headscale.authRegister({ user, authId })).rejects.toMatchObject({ code: Code.NotFound });
  });

  test.for(["authApprove", "authReject"] as const)("that are SSH connections get their answer by %s", async (call) => {
    const { device, id } = await join(daemon, { userId });
    const source = await join(daemon, { userId });
    const check = await sshCheck(device, source.id, id);
    const verdict = check.verdict();
    await expect(admin.headscale.authRegister({ user, authId: check.authId })).rejects.toMatchObject({
      code: Code.InvalidArgument,
    });
    await admin.headscale[call]({ authId: check.authId });
    expect(await verdict).toMatchObject(call === "authApprove" ? { accept: true } : { reject: true });
    await expect(admin.headscale[call]({ authId: check.authId })).rejects.toMatchObject({ code: Code.NotFound });
  });

  test("that nobody knows are not found; what is no id is no argument", async () => {
    const { headscale } = admin;
    const calls = (authId: string) => [
      headscale.authRegister({ user, authId }),
      headscale.registerNode({ user, key: authId }),
      headscale.authApprove({ authId }),
      headscale.authReject({ authId }),
    ];
    for (const call of calls(unknownId())) await expect(call).rejects.toMatchObject({ code: Code.NotFound });
    for (const authId of [
      "",
      "x",
      "hskey-authreq-",
      "hskey-authreq-XYZ",
      `${unknownId()}0`,
      `mkey:${"0".repeat(64)}`,
    ]) {
      for (const call of calls(authId)) await expect(call).rejects.toMatchObject({ code: Code.InvalidArgument });
    }
  });

  test("wait on when the owner is unknown", async () => {
    const { authId } = await waiting();
    const nobody = admin.headscale.authRegister({ user: "nobody", authId });
    await expect(nobody).rejects.toMatchObject({ code: Code.NotFound, rawMessage: 'user "nobody" not found' });
    expect((await admin.headscale.authRegister({ user, authId })).node).toMatchObject({ user: { name: user } });
  });

  test("can be made up for trying out", async () => {
    const key = unknownId();
    const { node } = await admin.headscale.debugCreateNode({ user, key, name: "made-up", routes: ["10.8.0.0/16"] });
    expect(node).toMatchObject({ name: "made-up", user: { name: user }, availableRoutes: ["10.8.0.0/16"] });
    const registered = (await admin.headscale.registerNode({ user, key })).node!;
    expect(registered).toMatchObject({ name: "made-up", nodeKey: node!.nodeKey, os: "TestOS" });
    const { headscale } = admin;
    const again = (fields: object) => headscale.debugCreateNode({ user, key: unknownId(), name: "x", ...fields });
    await expect(again({ user: "nobody" })).rejects.toMatchObject({ code: Code.NotFound });
    await expect(again({ key: "x" })).rejects.toMatchObject({ code: Code.InvalidArgument });
    await expect(again({ routes: ["x"] })).rejects.toMatchObject({ code: Code.InvalidArgument });
  });
});

test("a login that is begun before a restart is finished after it", async () => {
  await using fresh = await TestDaemon.start();
  await fresh.admin.headscale.createUser({ name: "alice" });
  const device = fresh.client();
  const { AuthURL: url = "" } = await device.register();
  await device.drop();
  await fresh.restart();
  await fresh.admin.headscale.authRegister({ authId: url.split("/").at(-1)! });
  expect((await device.register({ followup: url })).MachineAuthorized).toBe(true);
});
