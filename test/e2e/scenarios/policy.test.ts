import { describe, expect, test } from "vitest";
import { peersOf, shortName } from "../lab/client.ts";
import type { Host } from "../lab/host.ts";
import { Lab } from "../lab/lab.ts";
import { succeeded } from "../lab/process.ts";
import { reaches, type Way } from "../lab/reach.ts";
import { until } from "../lab/until.ts";
import { mixedPairs } from "../lab/version-pairs.ts";

describe.for(mixedPairs)("devices of $one and $other clients under a policy", ({ one, other }) => {
  test("reach by TCP, UDP and ICMP what it allows and nothing else: a tag's server, and devices of their own", async () => {
    await using lab = await Lab.start();
    const { admin, url } = await lab.server({ config: { policy: { mode: "database" } } });
    const [alice, bob] = [await admin.user("alice"), await admin.user("bob")];
    await admin.policy({
      tagOwners: { "tag:web": [], "tag:db": [] },
      grants: [
        { src: ["autogroup:member"], dst: ["autogroup:self"], ip: ["*"] },
        { src: ["alice@"], dst: ["tag:web"], ip: ["tcp:80", "udp:81"] },
        { src: ["alice@"], dst: ["tag:db"], ip: ["tcp:80"] },
        { src: ["bob@"], dst: ["tag:web"], ip: ["icmp:*"] },
      ],
    });
    const [laptop, phone, stranger, web] = await Promise.all([
      lab.client("laptop", one, { url }),
      lab.client("phone", other, { url }),
      lab.client("stranger", one, { url }),
      lab.client("web", other, { url }),
    ]);
    const aliceKey = await admin.key(alice, "--reusable");
    await Promise.all([laptop.join(aliceKey), phone.join(aliceKey), stranger.join(await admin.key(bob))]);
    const { key } = await admin.headscalectl<{ key: string }>("preauthkeys", "create", "--tags", "tag:web");
    await web.join(key);
    for (const client of [web, phone, laptop]) for (const port of [80, 81]) await lab.mirror(client.host, port);
    await Promise.all([laptop.peer("web"), laptop.peer("phone"), stranger.peer("web"), web.peer("stranger")]);
    expect(peersOf(await stranger.status()).map(shortName)).toEqual(["web"]);
    await Promise.all([
      laptop.ping(await web.address(), { via: "direct" }),
      laptop.ping(await phone.address(), { via: "direct" }),
      stranger.ping(await web.address(), { via: "direct" }),
    ]);

    const hosts = { laptop, phone, stranger, web };
    expect(await tried([...allowed, ...denied])).toEqual([...allowed, ...denied.map(() => "no answer")]);

    // A device that is given a tag is no longer its user's.
    succeeded(await admin.cli("nodes", "tag", "phone", "tag:db"));
    await until({
      what: "laptop to reach of its former companion what the tag's rule allows, and no more",
      withinMs: 10_000,
      probe: async () =>
        (await tried(["laptop phone udp:81", "laptop phone tcp:80"])).join() === "no answer,laptop phone tcp:80",
      evidence: () => phone.evidence(),
    });
    expect(await tried(["phone laptop tcp:80"])).toEqual(["no answer"]);

    function tried(rows: readonly string[]): Promise<string[]> {
      return Promise.all(
        rows.map(async (row) => {
          const [from, to, way] = row.split(" ") as [keyof typeof hosts, keyof typeof hosts, Way];
          const host: Host = hosts[from].host;
          return (await reaches(host, await hosts[to].address(), way)) ? row : "no answer";
        }),
      );
    }
  });
});

const allowed = [
  "laptop web tcp:80",
  "laptop web udp:81",
  "laptop phone tcp:81",
  "phone laptop udp:80",
  "phone laptop icmp",
  "stranger web icmp",
] as const;

const denied = [
  "laptop web tcp:81",
  "laptop web udp:80",
  "stranger web tcp:80",
  "stranger web udp:81",
  "stranger laptop tcp:80",
  "stranger laptop icmp",
  "web stranger icmp",
  "web laptop tcp:80",
] as const;
