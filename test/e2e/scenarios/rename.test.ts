import { describe, expect, test } from "vitest";
import { Lab } from "../lab/lab.ts";
import { until } from "../lab/until.ts";
import { versionPairs } from "../lab/version-pairs.ts";

describe.for(versionPairs)("a $one and a $other client", ({ one, other }) => {
  test("resolve a renamed peer by its new name and no longer by its old one within a second", async () => {
    await using lab = await Lab.start();
    const { admin, url } = await lab.server();
    const key = await admin.key(await admin.user("alice"), "--reusable");
    const [n1, n2] = await Promise.all([lab.client("n1", one, { url }), lab.client("n2", other, { url })]);
    await Promise.all([n1.join(key), n2.join(key)]);
    await n1.peer("n2");
    const address = await n2.address();
    expect(await resolve("n2")).toEqual(["NOERROR", address]);

    const { id } = await admin.node("n2");
    expect(await admin.cli("nodes", "rename", "-i", id, "webby")).toMatchObject({ code: 0 });
    await until({
      what: "n1 to know the new name",
      withinMs: 1_000,
      probe: async () => (await resolve("webby"))[1] === address,
      evidence: () => n1.evidence(),
    });
    expect(await resolve("n2")).toEqual(["NXDOMAIN", ""]);
    const { stdout } = await n1.host.run(["getent", "hosts", "webby"]);
    expect(stdout).toContain(address);
    await n2.until("its own new name", ({ Self }) => Self.DNSName === "webby.example.test.", 1_000);

    async function resolve(name: string): Promise<[status: string, address: string]> {
      const dig = ["dig", "+time=2", "+tries=1", "@100.100.100.100", `${name}.example.test`, "A"] as const;
      const { stdout } = await n1.host.run(dig);
      const status = /status: (\w+)/.exec(stdout)?.[1] ?? stdout;
      return [status, /\sIN\s+A\s+(\S+)/.exec(stdout.replaceAll(/^;.*$/gm, ""))?.[1] ?? ""];
    }
  });
});
