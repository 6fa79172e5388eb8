import { renameNode } from "@headscale/tailnet/commands";
import { expect, test } from "vitest";
import { LiveServer } from "../support/live-server.ts";

const region = (id: number, HostName: string) => ({
  RegionID: id,
  RegionCode: String(id),
  RegionName: String(id),
  Nodes: [{ Name: `${id}a`, RegionID: id, HostName }],
});
const withMap = (derpMap: object) => JSON.stringify({ derpMap });
const regionsOf = (map: { derpMap: { Regions: object } | undefined }) => Object.keys(map.derpMap?.Regions ?? {});

test("a policy edits the relays of clients that are connected, and its end gives the server's back", async () => {
  await using server = await LiveServer.start({
    live: { derpMap: { Regions: { 1: region(1, "one.test"), 2: region(2, "two.test") } } },
  });
  const a = await server.joined(await server.user("alice"), "a");
  await using followed = await a.follow();
  await followed.until((map) => regionsOf(map).join() === "1,2", "the server's relays");

  server.setPolicy(
    withMap({ Regions: { 1: null, 900: region(900, "own.test") }, HomeParams: { RegionScore: { 900: 0.5 } } }),
  );
  await followed.until((map) => regionsOf(map).join() === "2,900", "the policy's relays");
  expect(followed.netmap.derpMap).toEqual({
    Regions: { 2: region(2, "two.test"), 900: region(900, "own.test") },
    HomeParams: { RegionScore: { 900: 0.5 } },
  });

  server.live.setDerpMap({ Regions: { 1: region(1, "one.test"), 3: region(3, "three.test") } });
  await followed.until((map) => regionsOf(map).join() === "3,900", "the server's new relays, edited");

  server.setPolicy("{}");
  await followed.until((map) => regionsOf(map).join() === "1,3", "the server's relays again");
  expect(followed.netmap.derpMap?.HomeParams).toEqual({ RegionScore: {} });
  expect(server.heard.failures).toEqual([]);
});

test("a client that connects later gets the edited relays at once, and hears nothing where they stay the same", async () => {
  await using server = await LiveServer.start({ live: { derpMap: { Regions: { 1: region(1, "one.test") } } } });
  server.setPolicy(withMap({ OmitDefaultRegions: true, Regions: { 900: region(900, "own.test") } }));
  const a = await server.joined(await server.user("alice"), "a");
  await using followed = await a.follow();
  await followed.until((map) => regionsOf(map).join() === "900", "the policy's relays");

  const known = followed.netmap.derpMap;
  server.live.setDerpMap({ Regions: { 2: region(2, "two.test") } });
  server.setPolicy(withMap({ omitDefaultRegions: true, regions: { "900": region(900, "own.test") } }));
  await server.live.execute(renameNode(server.nodeOf(a).id, "later"), "test");
  await followed.until((map) => map.self?.Name.startsWith("later.") === true, "the rename");
  expect(followed.netmap.derpMap).toBe(known);
});
