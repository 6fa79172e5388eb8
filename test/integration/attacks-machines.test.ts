import { frame, frameType, opening } from "@headscale/server/edge/testing/http2-frames";
import { describe, expect, test } from "vitest";
import { ControlServer } from "../support/control/control-server.ts";
import { ControlClient } from "../support/control-client.ts";
import { TestDaemon } from "../support/daemon.ts";
import { odd, post, uint32, zeroWindowOpening } from "../support/hostile-frames.ts";
import { HostileLine } from "../support/hostile-line.ts";

const enhanceYourCalm = 11;
const whoami = { method: "GET", path: "/machine/whoami" };

async function lab(limits: Readonly<Record<string, unknown>>) {
  const daemon = await TestDaemon.start({ config: { limits } });
  const { user } = await daemon.admin.headscale.createUser({ name: "alice" });
  const joined = async (hostname: string, from = "127.0.0.1") => {
    const { preAuthKey } = await daemon.admin.headscale.createPreAuthKey({ user: user?.id ?? 0n, reusable: true });
    const server = new ControlServer({ ...daemon.server.place, localAddress: from });
    const client = new ControlClient({ server, hostinfo: { Hostname: hostname } });
    const { Error: refusal } = await client.register({ authKey: preAuthKey?.key ?? "" });
    if (refusal) throw new Error(refusal);
    return client;
  };
  return { daemon, joined };
}

describe("handshakes", () => {
  test("of one address are limited; others, and whoever has a connection, go on", async () => {
    const { daemon, joined } = await lab({ client: { handshake_burst: 3, handshakes_per_second: 1 } });
    await using _daemon = daemon;
    await using member = await joined("member", "127.0.0.2");
    const refused = Promise.all(Array.from({ length: 12 }, () => HostileLine.open(daemon.server)));
    await expect(refused).rejects.toMatchObject({ code: "status", status: 429 });
    expect(await member.request(whoami)).toMatchObject({ status: 200 });
    expect(await daemon.client().request(whoami)).toMatchObject({ status: 200 });
  });
});

describe("machines that nobody knows", () => {
  test("share the connections of their address; a member there is not in their way", async () => {
    const { daemon, joined } = await lab({ stranger: { connections: 2 } });
    await using _daemon = daemon;
    await using member = await joined("member", "127.0.0.2");
    await member.drop();
    using _first = await HostileLine.open(daemon.server);
    using _second = await HostileLine.open(daemon.server);
    await expect(HostileLine.open(daemon.server)).rejects.toMatchObject({ status: 429 });
    expect(await member.request(whoami)).toMatchObject({ status: 200 });
    using _elsewhere = await HostileLine.open(daemon.server, { from: "127.0.0.3" });
  });

  test("that keep breaking the rules are refused at their address, and members there are not", async () => {
    const { daemon, joined } = await lab({ offences: { count: 2 } });
    await using _daemon = daemon;
    await using member = await joined("member", "127.0.0.2");
    await member.drop();
    for (let n = 0; n < 3; n++) {
      using line = await HostileLine.open(daemon.server);
      await line.say(Buffer.concat([opening, Buffer.alloc(100, 0xff)])).closed;
    }
    await expect(HostileLine.open(daemon.server)).rejects.toMatchObject({ status: 429 });
    expect(await member.request(whoami)).toMatchObject({ status: 200 });
    using _elsewhere = await HostileLine.open(daemon.server, { from: "127.0.0.3" });
  });

  test("may not send long bodies", async () => {
    const { daemon } = await lab({});
    await using _daemon = daemon;
    const answer = await daemon
      .client()
      .request({ method: "POST", path: "/machine/register", body: Buffer.alloc(65_537, " ") });
    expect(answer.status).toBe(413);
  });
});

describe("a member", () => {
  test("that never reads its map loses the stream; others are told what changes", async () => {
    const { daemon, joined } = await lab({ client: { write_timeout: "1s" } });
    await using _daemon = daemon;
    const [slow, quick, third] = [await joined("slow", "127.0.0.2"), await joined("quick"), await joined("third")];
    await slow.drop();
    using line = await HostileLine.open(daemon.server, { machineKey: slow.machineKey });
    line.say(Buffer.concat([zeroWindowOpening, post(1, "/machine/map", { NodeKey: slow.nodeKey, Stream: true })]));
    await using followed = await quick.follow();
    await third.liteUpdate({ endpoints: ["192.0.2.1:41641"] });
    await followed.until((map) => map.peerNamed("third")?.Endpoints?.[0] === "192.0.2.1:41641", "the endpoint");
    const calm = frame(frameType.rstStream, 0, 1, uint32(enhanceYourCalm));
    await expect.poll(() => line.heard.includes(calm), { timeout: 10_000 }).toBe(true);
    await followed.until((map) => map.peerNamed("slow")?.Online !== true, "the slow machine is gone");
  });

  test("that opens one map after the other and reads none keeps the newest few", async () => {
    const { daemon, joined } = await lab({});
    await using _daemon = daemon;
    const slow = await joined("slow", "127.0.0.2");
    await slow.drop();
    using line = await HostileLine.open(daemon.server, { machineKey: slow.machineKey });
    const maps = Array.from({ length: 7 }, (_, n) =>
      post(odd(n + 1), "/machine/map", { NodeKey: slow.nodeKey, ReadOnly: true }),
    );
    line.say(Buffer.concat([zeroWindowOpening, ...maps]));
    const cut = (n: number) => frame(frameType.rstStream, 0, odd(n), uint32(8)); // CANCEL
    await expect.poll(() => [1, 2, 3].every((n) => line.heard.includes(cut(n)))).toBe(true);
    expect([4, 5, 6, 7].some((n) => line.heard.includes(cut(n)))).toBe(false);
  });

  test("in a hurry waits for its turn, and is refused when too many of its requests do", async () => {
    const { daemon, joined } = await lab({ client: { map_burst: 2, maps_per_second: 20 } });
    await using _daemon = daemon;
    await using hasty = await joined("hasty", "127.0.0.2");
    const updates = Array.from({ length: 12 }, (_, n) => hasty.liteUpdate({ endpoints: [`192.0.2.1:${n + 1}`] }));
    const outcomes = await Promise.allSettled(updates);
    const refused = outcomes.filter(({ status }) => status === "rejected");
    expect(refused.length).toBeGreaterThan(0);
    expect(refused).toEqual(
      refused.map(() => expect.objectContaining({ reason: expect.objectContaining({ status: 429 }) })),
    );
    await using calm = await joined("calm");
    await calm.liteUpdate({ endpoints: ["192.0.2.9:1"] });
  });

  test("that makes more requests than it may is cut, and may come back", async () => {
    const { daemon, joined } = await lab({ client: { request_burst: 20, requests_per_second: 20, refusals: 5 } });
    await using _daemon = daemon;
    await using member = await joined("member", "127.0.0.2");
    const outcomes = await Promise.allSettled(Array.from({ length: 60 }, () => member.request(whoami)));
    expect(outcomes.some(({ status }) => status === "rejected")).toBe(true);
    await expect
      .poll(
        () =>
          member.request(whoami).then(
            ({ status }) => status,
            () => 0,
          ),
        { timeout: 10_000 },
      )
      .toBe(200);
  });
});
