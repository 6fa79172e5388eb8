import { expect, test } from "vitest";
import type { Admin } from "../lab/admin.ts";
import { peersOf } from "../lab/client.ts";
import { Lab } from "../lab/lab.ts";
import { until } from "../lab/until.ts";
import { versions } from "../lab/version-pairs.ts";

test.for(versions)(
  "an ephemeral node with the $version client is gone at once when it logs out, while a regular node stays",
  async ({ version }) => {
    await using lab = await Lab.start();
    const { admin, url } = await lab.server();
    const user = await admin.user("alice");
    const fleeting = await lab.client("fleeting", version, { url });
    const regular = await lab.client("regular", version, { url });
    await fleeting.join(await admin.key(user, "--ephemeral"));
    await regular.join(await admin.key(user));
    await regular.peer("fleeting");

    await fleeting.tailscale("logout");
    await regular.tailscale("logout");
    await leaves(admin, ["regular"], 2_000);
  },
);

// Both versions in one test, because the timeout cannot be set below 65 s.
test("ephemeral nodes that just vanish are gone after their timeout, while a regular node stays", {
  timeout: 180_000,
}, async () => {
  await using lab = await Lab.start();
  const { admin, url } = await lab.server({ config: { node: { ephemeral: { inactivity_timeout: "66s" } } } });
  const user = await admin.user("alice");
  const ephemeral = await admin.key(user, "--ephemeral", "--reusable");
  const lasting = await admin.key(user, "--reusable");
  const [fleetingNew, fleetingOld, regular, watcher] = await Promise.all([
    lab.client("fleeting-new", "new", { url }),
    lab.client("fleeting-old", "old", { url }),
    lab.client("regular", "old", { url }),
    lab.client("watcher", "new", { url }),
  ]);
  const vanishing = [fleetingNew, fleetingOld, regular];
  await Promise.all([fleetingNew.join(ephemeral), fleetingOld.join(ephemeral)]);
  await Promise.all([regular.join(lasting), watcher.join(lasting)]);
  for (const { name } of vanishing) await watcher.peer(name);

  await Promise.all(vanishing.map((client) => client.stop("SIGKILL")));
  await watcher.until("all others to be away", (status) => peersOf(status).every((peer) => !peer.Online), 30_000);
  expect(await names(admin)).toEqual(["fleeting-new", "fleeting-old", "regular", "watcher"]);
  await leaves(admin, ["regular", "watcher"], 90_000);
  await watcher.until("the regular node as its only peer", (status) => {
    const peers = peersOf(status);
    return peers.length === 1 && peers[0]?.HostName === "regular";
  });
});

function leaves(admin: Admin, left: readonly string[], withinMs: number): Promise<true> {
  return until({
    what: `only ${left.join(", ")} to be left`,
    withinMs,
    probe: async () => (await names(admin)).join() === left.join(),
  });
}

async function names(admin: Admin): Promise<string[]> {
  return (await admin.nodes()).map(({ name }) => name).sort();
}
