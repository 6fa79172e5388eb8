import { describe, expect, test } from "vitest";
import { type Client, peersOf, shortName } from "../lab/client.ts";
import { tail } from "../lab/host.ts";
import { Lab } from "../lab/lab.ts";
import { mirrored, reaches } from "../lab/reach.ts";
import { until } from "../lab/until.ts";
import { mixedPairs } from "../lab/version-pairs.ts";
import { programPath } from "../requirements.ts";

const second = 1000;

describe.for(mixedPairs)("when a policy changes under $one and $other clients", ({ one, other }) => {
  test("what it forbids ends within a second, open connections to visible peers go on, and nobody else hears of it", async () => {
    await using lab = await Lab.start();
    const { admin, url } = await lab.server({ config: { policy: { mode: "database" } } });
    const rule = (from: string, to: string) => ({ action: "accept", src: [from], dst: [to] });
    const base = { tagOwners: { "tag:web": [] } };
    const carolsRule = rule("carol@", "tag:web:80");
    await admin.policy({ ...base, acls: [rule("alice@", "tag:web:80,81"), rule("alice@", "bob@:*"), carolsRule] });
    const [alice, bob, carol, web] = await Promise.all([
      lab.client("alice", one, { url }),
      lab.client("bob", other, { url }),
      lab.client("carol", other, { url }),
      lab.client("web", other, { url }),
    ]);
    for (const user of [alice, bob, carol]) await user.join(await admin.key(await admin.user(user.name)));
    const { key } = await admin.headscalectl<{ key: string }>("preauthkeys", "create", "--tags", "tag:web");
    await web.join(key);
    for (const port of [80, 81]) await lab.mirror(web.host, port);
    const address = await web.address();
    await Promise.all([alice.peer("bob"), bob.peer("alice")]);
    for (const user of [alice, carol]) {
      await user.peer("web");
      await user.ping(address, { via: "direct" });
      expect(await mirrored(user.host, `${address}:80`)).toBe(await user.address());
    }
    const stream = await alice.host.daemon(["curl", "-sN", `http://${address}:80/stream`], "stream", {
      PATH: programPath,
    });
    const heard = () => tail(stream.log, Number.POSITIVE_INFINITY).length;
    await until({ what: "the stream to flow", withinMs: 5 * second, probe: () => heard() > 0 });
    const before = await settledMessages(carol);
    expect(before).toBeGreaterThan(0);

    await admin.policy({ ...base, acls: [rule("alice@", "tag:web:81"), carolsRule] });
    await Promise.all([
      until({
        what: "new connections to web's port 80 to fail",
        withinMs: second,
        probe: async () => !(await reaches(alice.host, address, "tcp:80", 0.4)),
      }),
      ...[alice, bob].map((user) => user.until("the other one hidden", (status) => !sees(status, alice, bob), second)),
    ]);

    const heardBefore = heard();
    await until({ what: "the stream to flow on", withinMs: 5 * second, probe: () => heard() > heardBefore });
    expect(stream.alive()).toBe(true);
    expect(await reaches(alice.host, address, "tcp:81")).toBe(true);
    expect(await reaches(carol.host, address, "tcp:80")).toBe(true);
    expect(await messages(carol)).toBe(before);
  });
});

function sees(status: Parameters<typeof peersOf>[0], ...names: readonly Client[]): boolean {
  return peersOf(status).some((peer) => names.some(({ name }) => name === shortName(peer)));
}

/** How many messages other than keep-alives the client has had over its map streams. */
async function messages(client: Client): Promise<number> {
  const metrics = await client.metrics();
  const count = (name: string) => metrics.get(`controlclient_map_response_${name}`) ?? 0;
  return count("message") - count("keepalive");
}

/** The count once nothing has come for two seconds: fresh clients still report endpoints, which their peers are told. */
async function settledMessages(client: Client): Promise<number> {
  let last = { count: -1, since: 0 };
  return until({
    what: `${client.name} to hear nothing new`,
    withinMs: 20 * second,
    probe: async () => {
      const count = await messages(client);
      if (count !== last.count) last = { count, since: performance.now() };
      return performance.now() - last.since > 2 * second && count;
    },
  });
}
