import { describe, expect, test } from "vitest";
import { Lab } from "../lab/lab.ts";
import { until } from "../lab/until.ts";
import { versionPairs } from "../lab/version-pairs.ts";

const relay = {
  enabled: true,
  region_id: 999,
  region_code: "own",
  region_name: "Own relay",
  stun_listen_addr: "0.0.0.0:3478",
  ipv4: "10.77.0.1",
  verify_clients: true,
};

describe.for(versionPairs)("over HTTPS a $one and a $other client", ({ one, other }) => {
  test("join, speak through the server's own relay, and come back after a restart", async () => {
    await using lab = await Lab.start();
    const server = await lab.server({ https: true, config: { derp: { server: relay, urls: [], paths: [] } } });
    const key = await server.admin.key(await server.admin.user("alice"), "--reusable");
    const [n1, n2] = await Promise.all([
      lab.client("n1", one, server, { host: await lab.site("n1", { hard: true }) }),
      lab.client("n2", other, server, { host: await lab.site("n2", { hard: true }) }),
    ]);
    await Promise.all([n1.join(key), n2.join(key)]);
    await Promise.all([n1.peer("n2"), n2.peer("n1")]);
    expect(await n1.ping(await n2.address(), { via: "relay" })).toContain("via DERP(own)");

    await server.stop();
    await server.start();
    for (const client of [n1, n2]) await client.until("to be back", ({ Self }) => Self.Online, 30_000);
    await until({
      what: "n1 to reach n2 through the relay again",
      withinMs: 30_000,
      probe: async () => (await n1.ping(await n2.address(), { via: "relay" })) !== "",
    });
  });
});
