import { describe, expect, test } from "vitest";
import { Lab } from "../lab/lab.ts";
import { commandOn } from "../lab/registration-page.ts";
import { databases, versions } from "../lab/version-pairs.ts";

const rows = databases.flatMap(({ database }) => versions.map((version) => ({ database, ...version })));

describe.for(rows)("on $database the $version client without a key", ({ database, version }) => {
  test("prints our URL, whose page shows the very command that brings it up within two seconds", async () => {
    await using lab = await Lab.start();
    const server = await lab.server({ database });
    await server.admin.user("alice");
    const client = await lab.client("n1", version, server);

    const login = await client.webLogin();
    expect(login.url).toMatch(`${server.url}/register/`);
    const command = commandOn(await server.page(login.url)).replace(/USERNAME|<USER>|USER\b/, "alice");

    const approved = await server.admin.shell(command);
    expect(approved.code, approved.stdout + approved.stderr).toBe(0);
    await client.until("state Running", ({ BackendState }) => BackendState === "Running", 2_000);
    expect(await login.up).toMatchObject({ code: 0 });
    expect(await server.admin.node("n1")).toMatchObject({ user: { name: "alice" } });
  });
});
