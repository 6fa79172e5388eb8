import { describe, expect, test } from "vitest";
import { peersOf } from "../lab/client.ts";
import { Lab } from "../lab/lab.ts";
import { until } from "../lab/until.ts";
import { versionPairs } from "../lab/version-pairs.ts";

describe.for(versionPairs)("a $one and a $other client under a policy", ({ one, other }) => {
  test("reach the ports it allows and no other, and a new policy holds at once", async () => {
    await using lab = await Lab.start();
    const { admin, url } = await lab.server({ config: { policy: { mode: "database" } } });
    const [alice, bob] = [await admin.user("alice"), await admin.user("bob")];
    const [n1, n2] = await Promise.all([lab.client("n1", one, { url }), lab.client("n2", other, { url })]);
    await admin.policy(allow("alice@", "bob@", "80"));
    await Promise.all([n1.join(await admin.key(alice)), n2.join(await admin.key(bob))]);
    await Promise.all([n1.peer("n2"), n2.peer("n1")]);
    for (const client of [n1, n2]) for (const port of [80, 81]) await lab.mirror(client.host, port);
    const [a1, a2] = [await n1.address(), await n2.address()];

    await n1.ping(a2, { via: "direct" });
    expect(await get(a2, 80)).toBe(a1);
    expect(await get(a2, 81)).toBe("");
    // What is not allowed the other way round stays closed.
    expect((await n2.host.run(["curl", "-s", "--max-time", "2", `http://${a1}:80/`])).stdout).toBe("");

    await admin.policy(allow("alice@", "bob@", "81"));
    await until({ what: "port 81 to open", withinMs: 5_000, probe: async () => (await get(a2, 81)) === a1 });
    expect(await get(a2, 80)).toBe("");

    await admin.policy(allow("alice@", "alice@", "*"));
    for (const client of [n1, n2]) await client.until("no peers", (status) => peersOf(status).length === 0);
    expect(await get(a2, 81)).toBe("");

    async function get(address: string, port: number): Promise<string> {
      const url = `http://${address}:${port}/`;
      return (await n1.host.run(["curl", "-s", "--max-time", "2", url])).stdout.trim();
    }
  });
});

function allow(from: string, to: string, ports: string): object {
  return { acls: [{ action: "accept", src: [from], dst: [`${to}:${ports}`] }] };
}
