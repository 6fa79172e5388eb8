import { expect, test } from "vitest";
import { LiveServer } from "../support/live-server.ts";

const policy = JSON.stringify({
  postures: { "posture:current": ["node:tsVersion >= '1.80'", "node:os IN ['linux', 'macos']"] },
  acls: [{ action: "accept", src: ["bob@"], dst: ["alice@:22"], srcPosture: ["posture:current"] }],
});

test("a device may do what it may only with a new enough client, from the moment that it reports one", async () => {
  await using server = await LiveServer.start({ policy });
  const desk = await server.joined(await server.user("alice"), "desk");
  const laptop = await server.joined(await server.user("bob"), "laptop", {
    hostinfo: { OS: "linux", IPNVersion: "1.78.1-t0" },
  });
  await using followed = await desk.follow();
  await followed.until((map) => map.self !== undefined, "the first map");
  expect(followed.netmap.peers.size).toBe(0);

  await laptop.liteUpdate({ hostinfo: { ...laptop.hostinfo, IPNVersion: "1.80.0-t0" } });
  await followed.until((map) => map.peerNamed("laptop") !== undefined, "the laptop, once it is up to date");
  await laptop.liteUpdate({ hostinfo: { ...laptop.hostinfo, IPNVersion: "1.80.0-t0", OS: "windows" } });
  await followed.until((map) => map.peerNamed("laptop") === undefined, "no laptop with another system");
  expect(server.heard.failures).toEqual([]);
});

test("a policy's pool numbers the new devices of those whom it names", async () => {
  const ipPool = ["100.81.0.0/30", "100.82.0.0/24"];
  await using server = await LiveServer.start({
    policy: JSON.stringify({ nodeAttrs: [{ target: ["bob@"], ipPool }] }),
  });
  const [alice, bob] = [await server.user("alice"), await server.user("bob")];
  const given: (string | undefined)[] = [];
  for (const user of [alice, bob, bob, bob, alice]) given.push(server.nodeOf(await server.joined(user, "host")).ipv4);
  expect(given).toEqual(["100.64.0.1", "100.81.0.1", "100.81.0.2", "100.82.0.1", "100.64.0.2"]);
});
