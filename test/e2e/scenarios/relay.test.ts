import { describe, expect, test } from "vitest";
import { Lab } from "../lab/lab.ts";
import { versionPairs } from "../lab/version-pairs.ts";

describe.for(versionPairs)("a $one and a $other client", ({ one, other }) => {
  test("reach each other through the relay when no direct path exists", async () => {
    await using lab = await Lab.start();
    const server = await lab.server();
    const key = await server.admin.key(await server.admin.user("alice"), "--reusable");
    const [n1, n2] = await Promise.all([
      lab.client("n1", one, server, { host: await lab.site("n1", { hard: true }) }),
      lab.client("n2", other, server, { host: await lab.site("n2", { hard: true }) }),
    ]);
    await Promise.all([n1.join(key), n2.join(key)]);
    await Promise.all([n1.peer("n2"), n2.peer("n1")]);

    await n1.ping(await n2.address(), { via: "relay" });
    await lab.mirror(n2.host, 80);
    const { stdout } = await n1.host.run(["curl", "-sS", "--max-time", "10", `http://${await n2.address()}/`]);
    expect(stdout.trim()).toBe(await n1.address());
  });

  test("find a direct path through address translation on both sides", async () => {
    await using lab = await Lab.start();
    const server = await lab.server();
    const key = await server.admin.key(await server.admin.user("alice"), "--reusable");
    const [n1, n2] = await Promise.all([
      lab.client("n1", one, server, { host: await lab.site("n1", { hard: false }) }),
      lab.client("n2", other, server, { host: await lab.site("n2", { hard: false }) }),
    ]);
    await Promise.all([n1.join(key), n2.join(key)]);
    await n1.peer("n2");

    expect(await n1.ping(await n2.address(), { via: "direct" })).toContain("via 10.77.0.");
  });
});
