import { describe, expect, test } from "vitest";
import type { Client } from "../lab/client.ts";
import { Lab } from "../lab/lab.ts";
import { databases, versionPairs } from "../lab/version-pairs.ts";

const rows = databases.flatMap(({ database }) => versionPairs.map((pair) => ({ database, ...pair })));

describe.for(rows)("on $database a $one and a $other client", ({ database, one, other }) => {
  test("join by one reusable key, ping each other directly, and pass ICMP and TCP both ways", async () => {
    await using lab = await Lab.start();
    const server = await lab.server({ database });
    const key = await server.admin.key(await server.admin.user("alice"), "--reusable");
    const [n1, n2] = await Promise.all([lab.client("n1", one, server), lab.client("n2", other, server)]);
    await Promise.all([n1.join(key), n2.join(key)]);
    await Promise.all([n1.peer("n2"), n2.peer("n1")]);

    await n1.ping(await n2.address(), { via: "direct" });
    await n2.ping(await n1.address(), { via: "direct" });
    for (const family of [4, 6] as const) {
      await reaches(n1, n2, family);
      await reaches(n2, n1, family);
    }
    await lab.mirror(n1.host, 80);
    await lab.mirror(n2.host, 80);
    expect(await seenBy(n2, n1)).toBe(await n1.address());
    expect(await seenBy(n1, n2)).toBe(await n2.address());
  });
});

async function reaches(from: Client, to: Client, family: 4 | 6): Promise<void> {
  const { code, stdout } = await from.host.run(["ping", "-c", "3", "-i", "0.1", "-w", "5", await to.address(family)]);
  expect(code, stdout).toBe(0);
}

/** The address that `to` sees when `from` asks it over HTTP by its MagicDNS name. */
async function seenBy(to: Client, from: Client): Promise<string> {
  const url = `http://${to.name}.example.test/`;
  const { stdout, stderr } = await from.host.run(["curl", "-sS", "-4", "--max-time", "10", url]);
  return stdout.trim() || stderr;
}
