import { describe, expect, test } from "vitest";
import type { Admin } from "../lab/admin.ts";
import type { Client } from "../lab/client.ts";
import { Lab } from "../lab/lab.ts";
import { until } from "../lab/until.ts";
import { versions } from "../lab/version-pairs.ts";

describe.for(versions)(
  "a $version client that logs in again is the same node with the same addresses",
  ({ version }) => {
    test("after a logout, by a key", async () => {
      await using lab = await Lab.start();
      const { admin, client, key } = await joined(lab);
      const before = await identity(admin, client);

      await client.tailscale("logout");
      await client.until("state NeedsLogin", ({ BackendState }) => BackendState === "NeedsLogin");
      await client.join(key);
      const after = await identity(admin, client);
      expect(after).toMatchObject({ id: before.id, addresses: before.addresses });
      expect(after.nodeKey).not.toBe(before.nodeKey);
    });

    test("by --force-reauth with a key", async () => {
      await using lab = await Lab.start();
      const { admin, client, key } = await joined(lab);
      const before = await identity(admin, client);

      await client.join(key, "--force-reauth");
      const after = await withAnotherKey(admin, client, before.nodeKey);
      expect(after).toMatchObject({ id: before.id, addresses: before.addresses });
    });

    test("by --force-reauth on the web", async () => {
      await using lab = await Lab.start();
      const { admin, client } = await joined(lab);
      const before = await identity(admin, client);

      // The old CLI may end before it prints the URL, see below: it is read from the client's status.
      const up = client.up({ flags: ["--force-reauth"], timeoutS: 40 });
      await approve(admin, await client.until("the URL to log in at", ({ AuthURL }) => AuthURL));
      expect(await up).toMatchObject({ code: 0 });
      await client.until("state Running without a login under way", ({ BackendState, AuthURL }) => {
        return BackendState === "Running" && AuthURL === "";
      });
      await withAnotherKey(admin, client, before.nodeKey);
      expect(await identity(admin, client)).toMatchObject({ id: before.id, addresses: before.addresses });
    });

    test("after the server expired it, by a key and on the web, and its peer hears of both", async () => {
      await using lab = await Lab.start();
      const { admin, client, key, server } = await joined(lab);
      const peer = await lab.client("peer", version, server);
      await peer.join(key);
      await peer.peer("n1");
      const before = await identity(admin, client);

      for (const again of ["key", "web"] as const) {
        expect(await admin.cli("nodes", "expire", "-i", before.id)).toMatchObject({ code: 0 });
        await client.until("state NeedsLogin", ({ BackendState }) => BackendState === "NeedsLogin");
        await peer.until("n1 expired", (status) => expiredPeer(status.Peer));
        if (again === "key") await client.join(key);
        else {
          const login = await client.webLogin();
          await approve(admin, login.url);
          expect(await login.up).toMatchObject({ code: 0 });
        }
        await client.until("to be Running and not expired", ({ BackendState, Self }) => {
          return BackendState === "Running" && !Self.Expired;
        });
        await peer.until("n1 valid again", (status) => !expiredPeer(status.Peer));
        expect(await identity(admin, client)).toMatchObject({ id: before.id, addresses: before.addresses });
      }
    });

    async function joined(lab: Lab) {
      const server = await lab.server();
      const key = await server.admin.key(await server.admin.user("alice"), "--reusable");
      const client = await lab.client("n1", version, server);
      await client.join(key);
      return { server, admin: server.admin, client, key };
    }
  },
);

function expiredPeer(peers: Readonly<Record<string, { HostName: string; Expired?: boolean }>> | null | undefined) {
  return Object.values(peers ?? {}).find((peer) => peer.HostName === "n1")?.Expired === true;
}

async function approve(admin: Admin, url: string): Promise<void> {
  const authId = url.split("/").at(-1) ?? "";
  const { code, stdout, stderr } = await admin.cli("auth", "register", "--auth-id", authId, "--user", "alice");
  expect(code, stdout + stderr).toBe(0);
}

/**
 * The identity once its key has changed. The old CLI returns from --force-reauth too early: the client first takes up its
 * present login again and is Running for a moment.
 */
function withAnotherKey(admin: Admin, client: Client, nodeKey: string) {
  return until({
    what: `${client.name} to have another node key`,
    withinMs: 10_000,
    probe: async () => {
      const now = await identity(admin, client);
      return now.nodeKey !== nodeKey && now;
    },
    evidence: () => client.evidence(),
  });
}

/** The server's and the client's idea of who it is; both have to agree. */
async function identity(admin: Admin, client: Client) {
  const { id, ipAddresses, nodeKey } = await admin.node("n1");
  const { TailscaleIPs } = await client.status();
  expect([...(TailscaleIPs ?? [])].sort()).toEqual([...ipAddresses].sort());
  return { id, nodeKey, addresses: [...ipAddresses].sort() };
}
