import { describe, expect, test } from "vitest";
import { Lab } from "../lab/lab.ts";
import { until } from "../lab/until.ts";
import { versions } from "../lab/version-pairs.ts";

describe.for(versions)("an ephemeral node with the $version client", ({ version }) => {
  test("is gone at once when it logs out, while a regular node stays", async () => {
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
    await regularAlone(admin, 2_000);
  });

  test("is gone after its timeout when it just vanishes, while a regular node stays", {
    timeout: 180_000,
  }, async () => {
    await using lab = await Lab.start();
    const { admin, url } = await lab.server({ config: { node: { ephemeral: { inactivity_timeout: "66s" } } } });
    const user = await admin.user("alice");
    const fleeting = await lab.client("fleeting", version, { url });
    const regular = await lab.client("regular", version, { url });
    const watcher = await lab.client("watcher", version, { url });
    await fleeting.join(await admin.key(user, "--ephemeral"));
    await Promise.all([regular.join(await admin.key(user)), watcher.join(await admin.key(user))]);
    await watcher.peer("fleeting");

    await fleeting.stop("SIGKILL");
    await regular.stop("SIGKILL");
    await watcher.until("fleeting to be away", (status) => {
      const away = Object.values(status.Peer ?? {}).find((peer) => peer.HostName === "fleeting");
      return away?.Online === false;
    });
    expect((await admin.nodes()).map(({ name }) => name).sort()).toEqual(["fleeting", "regular", "watcher"]);
    await until({
      what: "the ephemeral node to be forgotten",
      withinMs: 90_000,
      probe: async () => !(await admin.nodes()).some(({ name }) => name === "fleeting"),
    });
    expect((await admin.nodes()).map(({ name }) => name).sort()).toEqual(["regular", "watcher"]);
  });

  async function regularAlone(admin: { nodes(): Promise<readonly { name: string }[]> }, withinMs: number) {
    await until({
      what: "only the regular node to be left",
      withinMs,
      probe: async () => (await admin.nodes()).map(({ name }) => name).join() === "regular",
    });
  }
});
