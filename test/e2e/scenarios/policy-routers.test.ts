import { expect, test } from "vitest";
import type { Admin } from "../lab/admin.ts";
import type { Client } from "../lab/client.ts";
import { Lab } from "../lab/lab.ts";
import { mirrored } from "../lab/reach.ts";
import { until } from "../lab/until.ts";

const prefix = "192.168.50.0/24";
const lanHost = "192.168.50.10";
/** The routers' addresses in the network that both lead to: by these its host knows who carried a request. */
const carriedBy = { east: "192.168.50.1", west: "192.168.50.2" } as const;

const second = 1000;
/** A node is offline 10 s after its stream has ended. */
const offlineWithinMs = 15 * second;
/** One that is silent is asked every 10 s and given 5 s, and the first miss may have raced its start. */
const silentWithinMs = 30 * second;

test("two routers of a subnet need no approval, carry those that a grant sends, and stand in for each other", async () => {
  await using lab = await Lab.start();
  const { admin, url } = await lab.server({ config: { policy: { mode: "database" } } });
  await admin.policy({
    tagOwners: { "tag:east": [], "tag:west": [] },
    autoApprovers: { routes: { "192.168.0.0/16": ["tag:east", "tag:west"] } },
    grants: [
      { src: ["alice@"], dst: [prefix], ip: ["tcp:80"], via: ["tag:west"] },
      { src: ["bob@"], dst: [prefix], ip: ["tcp:80"] },
      { src: ["alice@", "bob@"], dst: ["tag:east", "tag:west"], ip: ["icmp:*"] },
    ],
  });
  const [alice, bob, east, west] = await Promise.all([
    lab.client("alice", "new", { url }),
    lab.client("bob", "old", { url }),
    lab.client("east", "old", { url }),
    lab.client("west", "new", { url }),
  ]);
  await lab.lan(east.host, "192.168.50");
  await lab.lan(west.host, "192.168.50");
  await west.host.shell(`ip addr del ${carriedBy.east}/24 dev lan0; ip addr add ${carriedBy.west}/24 dev lan0`);
  // The first to come is the primary.
  await joinRouter(admin, east, `${prefix},10.9.0.0/16`);
  await joinRouter(admin, west, prefix);
  expect((await admin.node("east")).approvedRoutes).toEqual([prefix]);
  for (const user of [alice, bob]) await user.join(await admin.key(await admin.user(user.name)), "--accept-routes");
  await carried(alice, "west", 10 * second);
  await carried(bob, "east", 10 * second);

  await east.stop("SIGKILL");
  await carried(bob, "west", offlineWithinMs);
  await carried(alice, "west", second);

  await east.start();
  await until({
    what: "east to be back",
    withinMs: 10 * second,
    probe: async () => (await admin.node("east")).online,
  });
  // Who has the part keeps it.
  await carried(bob, "west", second);

  await west.host.shell("ip link set eth0 down");
  await carried(bob, "east", silentWithinMs);
  // Nobody else may carry what a grant sends one way.
  expect(await mirrored(alice.host, lanHost)).toBe("");
});

async function joinRouter(admin: Admin, router: Client, routes: string): Promise<void> {
  const { key } = await admin.headscalectl<{ key: string }>("preauthkeys", "create", "--tags", `tag:${router.name}`);
  await router.join(key, `--advertise-routes=${routes}`);
  await until({
    what: `${router.name}'s route to be approved by nobody but the policy`,
    withinMs: 10 * second,
    probe: async () => (await admin.node(router.name)).approvedRoutes?.includes(prefix),
  });
}

async function carried(user: Client, by: keyof typeof carriedBy, withinMs: number): Promise<void> {
  let seen = "";
  await until({
    what: `${user.name}'s requests to be carried by ${by}`,
    withinMs,
    probe: async () => {
      seen = await mirrored(user.host, lanHost);
      return seen === carriedBy[by];
    },
    evidence: () => `last carried by ${seen || "nobody"}\n${user.evidence()}`,
  });
}
