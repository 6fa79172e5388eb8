import { describe, expect, test } from "vitest";
import type { Admin } from "../lab/admin.ts";
import type { Host } from "../lab/host.ts";
import { Lab } from "../lab/lab.ts";
import { until } from "../lab/until.ts";
import { versionPairs } from "../lab/version-pairs.ts";

describe.for(versionPairs)("for a $one client behind a $other router", ({ one, other }) => {
  test("a host in an approved subnet answers, until the approval is taken back", async () => {
    await using lab = await Lab.start();
    const { admin, user, router } = await twoNodes(lab);
    await lab.lan(router.host, "192.168.50");
    await router.tailscale("set", "--advertise-routes=192.168.50.0/24");
    await user.tailscale("set", "--accept-routes");
    await announced(admin, "192.168.50.0/24");
    expect(await get(user.host, "192.168.50.10")).toBe("");

    await approve(admin, "192.168.50.0/24");
    await answers(user.host, "192.168.50.10");
    expect(await get(user.host, "192.168.50.10")).toBe("192.168.50.1");

    await approve(admin, "");
    await silent(user.host, "192.168.50.10");
  });

  test("traffic leaves through an approved exit node, until the approval is taken back", async () => {
    await using lab = await Lab.start();
    const { admin, user, router } = await twoNodes(lab);
    const internet = await lab.internet(router.host);
    await router.tailscale("set", "--advertise-exit-node");
    await announced(admin, "0.0.0.0/0");
    expect(await get(user.host, internet.v4)).toBe("");

    await approve(admin, "0.0.0.0/0");
    const { DNSName } = await user.until("the exit node on offer", (status) => {
      return Object.values(status.Peer ?? {}).find((peer) => peer.ExitNodeOption);
    });
    await user.tailscale("set", `--exit-node=${DNSName.split(".")[0]}`);
    await answers(user.host, internet.v4);
    await answers(user.host, `[${internet.v6}]`);

    await approve(admin, "");
    await silent(user.host, internet.v4);
    await user.until("no exit node on offer", (status) => {
      return !Object.values(status.Peer ?? {}).some((peer) => peer.ExitNodeOption);
    });
  });

  async function twoNodes(lab: Lab) {
    const { admin, url } = await lab.server();
    const key = await admin.key(await admin.user("alice"), "--reusable");
    const [user, router] = await Promise.all([lab.client("user", one, { url }), lab.client("router", other, { url })]);
    await Promise.all([user.join(key), router.join(key)]);
    await user.peer("router");
    await user.ping(await router.address(), { via: "direct" });
    return { admin, user, router };
  }
});

async function announced(admin: Admin, route: string): Promise<void> {
  await until({
    what: `the server to hear of ${route}`,
    withinMs: 10_000,
    probe: async () => (await admin.node("router")).availableRoutes?.includes(route),
  });
}

async function approve(admin: Admin, routes: string): Promise<void> {
  const { id } = await admin.node("router");
  const { code, stderr } = await admin.cli("nodes", "approve-routes", "-i", id, "-r", routes);
  expect(code, stderr).toBe(0);
}

/** What a host's web server says, or nothing when it cannot be reached. */
async function get(from: Host, address: string): Promise<string> {
  const { stdout } = await from.run(["curl", "-s", "--max-time", "2", `http://${address}/`]);
  return stdout.trim();
}

function answers(from: Host, address: string): Promise<unknown> {
  return until({
    what: `${address} to answer`,
    withinMs: 10_000,
    probe: async () => (await get(from, address)) !== "",
  });
}

function silent(from: Host, address: string): Promise<unknown> {
  return until({
    what: `${address} to fall silent`,
    withinMs: 10_000,
    probe: async () => (await get(from, address)) === "",
  });
}
