import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { Code } from "@connectrpc/connect";
import { publicMachineKey } from "@headscale/noise";
import { DiscoKey, type MachineKey, NodeKey, PrivateKey } from "@headscale/tailcfg/keys";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { adminClients, tcpTransport } from "../support/admin-clients.ts";
import { TestDaemon } from "../support/daemon.ts";
import {
  bcryptOf,
  madeUp,
  type OldRows,
  writeHeadscaleFile,
  writeHeadscalePostgres,
} from "../support/headscale-database.ts";
import { postgresWanted, startPostgres } from "../support/postgres.ts";

const main = new URL("../../packages/server/src/main.ts", import.meta.url).pathname;

const apiSecret = madeUp("api", 64);
const legacyApiSecret = madeUp("legacy api", 32);
const authSecret = madeUp("auth", 64);
const legacyAuthKey = "5e".repeat(24);
const created = "2024-05-01 09:30:00.123456789+02:00";

/** A machine that was a node of the old server. */
const machine = {
  machineKey: new PrivateKey(randomBytes(32)),
  nodeKey: NodeKey.fromBytes(randomBytes(32)),
  discoKey: DiscoKey.fromBytes(randomBytes(32)),
};

const publicKey = (key: PrivateKey): MachineKey => publicMachineKey(key);

const old: OldRows = {
  users: [
    { id: 3, name: "alice", email: "alice@example.com", created_at: created },
    { id: 5, name: "bob", provider_identifier: "https://id.example.com/bob", provider: "oidc", created_at: created },
  ],
  pre_auth_keys: [
    {
      id: 2,
      prefix: madeUp("prefix", 12),
      hash: bcryptOf(authSecret),
      user_id: 3,
      reusable: true,
      created_at: created,
    },
    { id: 9, key: legacyAuthKey, user_id: 5, reusable: false, ephemeral: false, used: false, created_at: created },
  ],
  api_keys: [
    { id: 1, prefix: madeUp("api prefix", 12), hash: bcryptOf(apiSecret), created_at: created },
    { id: 2, prefix: "aB3_-x9", hash: bcryptOf(legacyApiSecret), created_at: created },
    { id: 3, prefix: "expired", hash: bcryptOf(legacyApiSecret), expiration: created, created_at: created },
  ],
  nodes: [
    {
      id: 41,
      machine_key: publicKey(machine.machineKey),
      node_key: machine.nodeKey,
      disco_key: machine.discoKey,
      endpoints: '["192.0.2.9:41641"]',
      host_info: JSON.stringify({ OS: "linux", Hostname: "Box", RoutableIPs: ["10.9.0.0/16"] }),
      ipv4: "100.64.0.77",
      ipv6: "fd7a:115c:a1e0::77",
      hostname: "Box",
      given_name: "box-of-alice",
      user_id: 3,
      register_method: "authkey",
      auth_key_id: 2,
      tags: "[]",
      approved_routes: '["10.9.0.0/16"]',
      created_at: created,
    },
  ],
  policies: [{ id: 4, data: '{"acls":[{"action":"accept","src":["*"],"dst":["*:22"]}]}', created_at: created }],
  database_versions: [{ id: 1, version: "v0.29.2" }],
};

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "import-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function headscale(config: object, ...args: readonly string[]): Promise<Outcome> {
  const file = join(folder, "config.json");
  writeFileSync(file, JSON.stringify({ server_url: "http://127.0.0.1:8080", data_dir: folder, ...config }));
  const run = promisify(execFile)(process.execPath, [main, ...args, "--config", file], { timeout: 60_000 });
  return run.then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    (failed: { code: number; stdout: string; stderr: string }) => failed,
  );
}

function noiseKey(name: string): { readonly path: string; readonly key: PrivateKey } {
  const key = new PrivateKey(randomBytes(32));
  const path = join(folder, name);
  writeFileSync(path, `${key.toFileText()}\n`);
  return { path, key };
}

/** A process is started for each command. */
const timeout = 60_000;

describe("headscale import", { timeout }, () => {
  test("lets the machines of the old server go on under their names, keys and addresses", async () => {
    const { key, path: keyPath } = noiseKey("old_noise.key");
    const path = join(folder, "db.sqlite");
    writeHeadscaleFile(path, old);
    const config = { database: { sqlite: { path } }, noise: { private_key_path: join(folder, "noise.key") } };
    const { code, stdout } = await headscale(config, "import", "--noise-key", keyPath);
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: `Imported 2 users, 1 node, 2 pre-auth keys, 3 API keys and the policy.\n\nThe old database is kept as ${path}.headscale-v0.29.2.\n`,
    });
    expect(existsSync(`${path}.headscale-v0.29.2`)).toBe(true);

    await using daemon = await TestDaemon.start({ config });
    expect(await daemon.server.key(999)).toBe(publicKey(key));
    const known = daemon.client({ ...machine, hostinfo: { Hostname: "Box" } });
    await using map = await known.follow();
    const { self } = await map.until((netmap) => netmap.self !== undefined, "its own node");
    expect(self).toMatchObject({
      ID: 41,
      Name: "box-of-alice.example.test.",
      Key: machine.nodeKey,
      Addresses: ["100.64.0.77/32", "fd7a:115c:a1e0::77/128"],
    });
    const { node } = await daemon.admin.headscale.getNode({ nodeId: 41n });
    expect(node).toMatchObject({ user: { id: 3n, name: "alice" }, approvedRoutes: ["10.9.0.0/16"] });
    expect((await daemon.admin.headscale.getPolicy({})).policy).toContain('"*:22"');
  });

  test("lets keys of every form open what they opened, and no others", async () => {
    const path = join(folder, "db.sqlite");
    writeHeadscaleFile(path, old);
    const config = { database: { sqlite: { path } } };
    expect(await headscale(config, "import")).toMatchObject({ code: 0 });
    await using daemon = await TestDaemon.start({ config });

    const ask = (token: string) =>
      adminClients(tcpTransport(daemon.url, { headers: { authorization: `Bearer ${token}` } })).headscale.listUsers({});
    const modern = `hskey-api-${madeUp("api prefix", 12)}-`;
    for (const token of [modern + apiSecret, modern + apiSecret, `aB3_-x9.${legacyApiSecret}`])
      expect((await ask(token)).users).toHaveLength(2);
    for (const token of [modern + authSecret, `aB3_-x9.${madeUp("wrong", 32)}`, `expired.${legacyApiSecret}`])
      await expect(ask(token)).rejects.toMatchObject({ code: Code.Unauthenticated });

    const join_ = async (authKey: string) => {
      const { MachineAuthorized, Error: refusal } = await daemon.client().register({ authKey });
      return MachineAuthorized ? "joined" : refusal;
    };
    const reusable = `hskey-auth-${madeUp("prefix", 12)}-`;
    expect(await Promise.all(Array.from({ length: 5 }, () => join_(reusable + authSecret)))).toEqual(
      Array(5).fill("joined"),
    );
    expect(await join_(legacyAuthKey)).toBe("joined");
    expect(await join_(legacyAuthKey)).toContain("already used");
    expect(await join_(reusable + apiSecret)).toContain("invalid pre auth key");
    expect(await join_("6f".repeat(24))).toContain("invalid pre auth key");
  });

  test("is what the server tells to run when it finds the old database in its place", async () => {
    const path = join(folder, "db.sqlite");
    writeHeadscaleFile(path, old);
    expect(await headscale({ database: { sqlite: { path } } }, "serve")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("take it over with `headscale import`"),
    });
  });

  test("only says what it would do on a dry run", async () => {
    const path = join(folder, "db.sqlite");
    writeHeadscaleFile(path, old);
    const before = readFileSync(path);
    const { code, stdout } = await headscale({ database: { sqlite: { path } } }, "import", "--dry-run");
    expect(code).toBe(0);
    expect(stdout).toContain("Would import 2 users, 1 node");
    expect(stdout).toContain("every client has to log in again");
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  test("names the place in a policy that does not hold here", async () => {
    const path = join(folder, "db.sqlite");
    writeHeadscaleFile(path, { ...old, policies: [{ id: 1, data: '{"acls":[{"action":"deny"}]}' }] });
    const { code, stdout } = await headscale({ database: { sqlite: { path } } }, "import");
    expect(code).toBe(0);
    expect(stdout).toContain("nobody may talk to anybody");
    expect(stdout).toContain("policy:1:");
  });

  test.for([
    { says: "a file that is not there", args: ["--from", "absent.sqlite"], error: "absent.sqlite does not exist" },
    { says: "no old database at all", args: [], error: "is not a database of headscale's; name one with --from" },
    {
      says: "a URL of something else",
      args: ["--from", "postgres://nobody:hush@127.0.0.1:1/none"],
      error: "the database none at 127.0.0.1:1 cannot be read",
    },
  ])("refuses $says in one sentence, and makes no database", async ({ args, error }) => {
    const path = join(folder, "db.sqlite");
    const { code, stderr } = await headscale({ database: { sqlite: { path } } }, "import", ...args);
    expect(code).toBe(1);
    expect(stderr).toContain(error);
    expect(stderr).not.toContain("hush");
    expect(existsSync(path)).toBe(false);
  });

  test("refuses a server that has users already, and another Noise key than its own", async () => {
    const [path, from] = [join(folder, "db.sqlite"), join(folder, "old.sqlite")];
    writeHeadscaleFile(from, old);
    const config = { database: { sqlite: { path } }, noise: { private_key_path: noiseKey("own.key").path } };
    expect(await headscale(config, "import", "--from", from, "--noise-key", noiseKey("other.key").path)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("already holds another key"),
    });
    expect(await headscale(config, "import", "--from", from)).toMatchObject({ code: 0 });
    expect(await headscale(config, "import", "--from", from)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("has users or nodes already"),
    });
  });
});

describe.skipIf(!postgresWanted())("headscale import from PostgreSQL", { timeout }, () => {
  test("reads the old database and fills a fresh one", async () => {
    await using server = await startPostgres();
    const source = await server.createDatabase("old");
    await writeHeadscalePostgres(source, old);
    const { host, port, user, database: name } = server;
    const config = { database: { type: "postgres", postgres: { host, port, user, name } } };
    expect(await headscale(config, "import", "--from", source.url)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("Imported 2 users, 1 node, 2 pre-auth keys, 3 API keys and the policy."),
    });
    await using daemon = await TestDaemon.start({ database: server });
    const { node } = await daemon.admin.headscale.getNode({ nodeId: 41n });
    expect(node).toMatchObject({
      name: "Box",
      givenName: "box-of-alice",
      ipAddresses: ["100.64.0.77", "fd7a:115c:a1e0::77"],
    });
    const ask = adminClients(
      tcpTransport(daemon.url, { headers: { authorization: `Bearer aB3_-x9.${legacyApiSecret}` } }),
    );
    expect((await ask.headscale.listUsers({})).users.map(({ id }) => id)).toEqual([3n, 5n]);
  });
});
