import { describe, expect, test } from "vitest";
import { TestDaemon } from "./daemon.ts";
import { postgresWanted, startPostgres } from "./postgres.ts";

describe("TestDaemon", () => {
  test("is a whole server: administered by its socket and over TCP, joined by devices, kept over a restart", async () => {
    await using daemon = await TestDaemon.start();
    const { user } = await daemon.admin.headscale.createUser({ name: "alice" });
    const { preAuthKey } = await daemon.admin.headscale.createPreAuthKey({ user: user!.id });
    const device = daemon.client();
    expect((await device.register({ authKey: preAuthKey!.key })).MachineAuthorized).toBe(true);
    await device.drop();
    await daemon.restart();
    const remote = await daemon.remote({ protocol: "gRPC" });
    expect((await remote.headscale.listNodes({})).nodes).toMatchObject([{ id: 1n, user: { name: "alice" } }]);
    expect(daemon.log).toEqual([]);
  });

  test("runs beside others, each on its own", async () => {
    await using one = await TestDaemon.start();
    await using two = await TestDaemon.start();
    await one.admin.headscale.createUser({ name: "alice" });
    expect((await two.admin.headscale.listUsers({})).users).toEqual([]);
  });

  test("says why it does not start", async () => {
    const start = TestDaemon.start({ policyFile: '{\n  "acls": broken\n}' });
    await expect(start).rejects.toThrow(/^policy\.path: .*policy\.hujson:2:11: /);
  });

  test.skipIf(!postgresWanted())("runs on PostgreSQL", async () => {
    await using database = await startPostgres();
    await using daemon = await TestDaemon.start({ database });
    await daemon.admin.headscale.createUser({ name: "alice" });
    await daemon.restart();
    expect((await daemon.admin.headscale.listUsers({})).users).toMatchObject([{ name: "alice" }]);
  });
});
