import { describe, expect, test } from "vitest";
import type { Client } from "../lab/client.ts";
import { Lab } from "../lab/lab.ts";
import type { Server } from "../lab/server.ts";
import { signInLab } from "../lab/sign-in.ts";
import { until } from "../lab/until.ts";
import { versions } from "../lab/version-pairs.ts";

describe.for(versions)("a $version client whose user signs in at an OpenID provider", ({ version }) => {
  test("joins as that user; logs in again without a question; and as somebody else is another device", async () => {
    await using lab = await Lab.start();
    const { server, person } = await signInLab(lab, 600);
    const client = await lab.client("n1", version, server);
    const alice = person("alice");

    const login = await client.webLogin();
    const asked = await alice.signIn(login.url);
    expect(asked.html).toContain("Connect this device?");
    const done = await alice.browser.submit(asked, { verdict: "accept" });
    expect(done.html).toContain("is in the network");
    await client.until("state Running", ({ BackendState }) => BackendState === "Running", 2_000);
    expect(await login.up).toMatchObject({ code: 0 });
    const first = await server.admin.node("n1");
    expect(first).toMatchObject({ user: { name: "alice", email: "alice@example.test", provider: "oidc" } });

    // The old CLI may end before it prints the URL: it is read from the client's status.
    const up = client.up({ flags: ["--force-reauth"], timeoutS: 40 });
    const url = await client.until("the URL to log in at", ({ AuthURL }) => AuthURL);
    expect((await alice.browser.visit(url)).html).toContain("Signed in again");
    expect(await up).toMatchObject({ code: 0 });
    const again = await withAnotherKey(server, client, first.nodeKey);
    expect(again).toMatchObject({ id: first.id, ipAddresses: first.ipAddresses });

    await client.tailscale("logout");
    await client.until("state NeedsLogin", ({ BackendState }) => BackendState === "NeedsLogin");
    const bob = person("bob");
    const third = await client.webLogin();
    const question = await bob.signIn(third.url);
    expect(question.html).toContain("for somebody else");
    await bob.browser.submit(question, { verdict: "accept" });
    expect(await third.up).toMatchObject({ code: 0 });
    const nodes = await server.admin.headscalectl<{ id: string; user: { name: string } }[]>("nodes", "list");
    expect(nodes.map(({ user }) => user.name).sort()).toEqual(["alice", "bob"]);
  });

  test("is logged out when its token expires, and is the same device after the next sign-in", async () => {
    await using lab = await Lab.start();
    const { server, person } = await signInLab(lab, 20);
    const client = await lab.client("n1", version, server);
    const alice = person("alice");
    const login = await client.webLogin();
    await alice.browser.submit(await alice.signIn(login.url), { verdict: "accept" });
    await client.until("state Running", ({ BackendState }) => BackendState === "Running");
    const before = await server.admin.node("n1");
    await client.until("a key that expires with the token", ({ Self }) => {
      const leftMs = Date.parse(Self.KeyExpiry ?? "") - Date.now();
      return leftMs > -20_000 && leftMs <= 20_000;
    });

    await client.until("state NeedsLogin", ({ BackendState }) => BackendState === "NeedsLogin", 40_000);
    const again = await client.webLogin();
    expect((await alice.browser.visit(again.url)).html).toContain("Signed in again");
    await client.until("state Running", ({ BackendState }) => BackendState === "Running");
    expect(await server.admin.node("n1")).toMatchObject({ id: before.id, ipAddresses: before.ipAddresses });
    await again.up;
  });
});

function withAnotherKey({ admin }: Server, client: Client, nodeKey: string) {
  return until({
    what: "another node key",
    withinMs: 10_000,
    probe: async () => {
      const now = await admin.node("n1");
      return now.nodeKey !== nodeKey && now;
    },
    evidence: () => client.evidence(),
  });
}
