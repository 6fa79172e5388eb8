import { defaultTailnetId, type User, type UserId } from "@headscale/tailnet";
import { describe, expect, test } from "vitest";
import { readSqlite } from "#database/sqlite.ts";
import { type Era, gormMs, gormTime, hex, OldDatabase, type OldRow } from "#testing/old-databases.ts";
import { ImportError } from "../import-error.ts";
import { convert, type Imported } from "./convert.ts";

const now = Date.parse("2026-01-01T00:00:00Z");
const bcrypt = `$2a$10$${"a".repeat(53)}`;
const legacyKey = "0123456789ab".repeat(4);

function converted(database: OldDatabase, mayTag: (user: UserId, tag: string) => boolean = () => false): Imported {
  return convert(readSqlite(database.path), {
    now,
    hashLegacy: (key) => ({ prefix: key.slice(0, 12), hash: `hash of ${key}` }),
    tagJudge: () => mayTag,
  });
}

/** What the eras call the same things. */
const nodeTable = (era: Era) => (era === "0.22" ? "machines" : "nodes");
const tagColumn = (era: Era) => (era === "0.29" ? "tags" : "forced_tags");
const addresses = (era: Era): OldRow =>
  era === "0.22" ? { ip_addresses: "100.64.0.1,fd7a:115c:a1e0::1" } : { ipv4: "100.64.0.1", ipv6: "fd7a:115c:a1e0::1" };

function nodeRow(era: Era, row: OldRow = {}): OldRow {
  return {
    id: 7,
    machine_key: era === "0.22" ? hex(1) : `mkey:${hex(1)}`,
    node_key: era === "0.22" ? hex(2) : `nodekey:${hex(2)}`,
    disco_key: era === "0.22" ? hex(3) : `discokey:${hex(3)}`,
    ...addresses(era),
    hostname: "Laptop",
    given_name: "laptop",
    user_id: 1,
    register_method: "cli",
    host_info: JSON.stringify({ OS: "linux", Hostname: "Laptop", NetInfo: { PreferredDERP: 5 } }),
    endpoints: '["192.0.2.1:41641"]',
    last_seen: gormTime,
    created_at: gormTime,
    ...row,
  };
}

const eras: readonly Era[] = ["0.22", "0.25", "0.26", "0.29"];

describe("convert", () => {
  test.for(eras)("takes over a user and a node of %s with everything that its clients hold on to", (era) => {
    using database = new OldDatabase(era);
    database.insert("users", { id: 1, name: "alice", created_at: gormTime }).insert(nodeTable(era), nodeRow(era));
    const { users, nodes, presence, remarks } = converted(database);
    expect(users).toEqual([
      {
        id: 1,
        tailnet: defaultTailnetId,
        name: "alice",
        displayName: "",
        email: "",
        providerId: "",
        provider: "",
        profilePicUrl: "",
        role: "owner",
        createdAt: gormMs,
      },
    ] satisfies readonly (Omit<User, "id"> & { id: number })[]);
    expect(nodes).toEqual([
      {
        id: 7,
        tailnet: defaultTailnetId,
        machineKey: `mkey:${hex(1)}`,
        nodeKey: `nodekey:${hex(2)}`,
        hostname: "Laptop",
        name: "laptop",
        renamed: false,
        owner: { kind: "user", userId: 1 },
        ipv4: "100.64.0.1",
        ipv6: "fd7a:115c:a1e0::1",
        ephemeral: false,
        registerMethod: "cli",
        approvedRoutes: [],
        createdAt: gormMs,
      },
    ]);
    expect(presence.get(nodes[0]?.id as never)).toMatchObject({
      online: false,
      lastSeen: gormMs,
      discoKey: `discokey:${hex(3)}`,
      endpoints: ["192.0.2.1:41641"],
      homeDerp: 5,
      hostinfo: { OS: "linux" },
    });
    expect(remarks).toEqual([]);
  });

  test.for(eras)("knows the tags of %s, whichever way they are empty", (era) => {
    using database = new OldDatabase(era);
    database.insert("users", { id: 1, name: "alice" });
    for (const [index, tags] of ['["tag:b","tag:a"]', "[]", "", "null", null].entries()) {
      const other = { node_key: `nodekey:${hex(100 + index)}`, ipv4: null, ipv6: null, ip_addresses: null };
      const { ip_addresses: _old, ipv4: _v4, ipv6: _v6, ...row } = nodeRow(era, { id: index + 1, ...other });
      database.insert(nodeTable(era), { ...row, given_name: `n${index}`, [tagColumn(era)]: tags });
    }
    expect(converted(database).nodes.map(({ owner }) => owner)).toEqual([
      { kind: "tags", tags: ["tag:a", "tag:b"] },
      ...Array(4).fill({ kind: "user", userId: 1 }),
    ]);
  });

  test.for([
    { era: "0.22", table: "routes", column: "machine_id" },
    { era: "0.25", table: "routes", column: "node_id" },
  ] as const)("approves what the table of routes of $era had enabled", ({ era, table, column }) => {
    using database = new OldDatabase(era);
    database.insert("users", { id: 1, name: "alice" }).insert(nodeTable(era), nodeRow(era));
    database.insert(
      table,
      { [column]: 7, prefix: "10.1.0.0/16", advertised: 1, enabled: 1 },
      { [column]: 7, prefix: "10.2.0.0/16", advertised: 1, enabled: 0 },
      { [column]: 7, prefix: "10.3.0.0/16", advertised: 1, enabled: 1, deleted_at: gormTime },
      { [column]: 8, prefix: "10.4.0.0/16", advertised: 1, enabled: 1 },
      { [column]: 7, prefix: "0.0.0.0/0", advertised: 1, enabled: 1 },
    );
    expect(converted(database).nodes[0]?.approvedRoutes).toEqual(["0.0.0.0/0", "10.1.0.0/16", "::/0"]);
  });

  test("reads approved routes from the node since 0.26", () => {
    using database = new OldDatabase("0.26");
    database
      .insert("users", { id: 1, name: "alice" })
      .insert("nodes", nodeRow("0.26", { approved_routes: '["10.1.0.0/16"]' }));
    expect(converted(database).nodes[0]?.approvedRoutes).toEqual(["10.1.0.0/16"]);
  });

  test("keeps the hash of a pre-auth key, and hashes one that was stored in clear", () => {
    using database = new OldDatabase("0.29");
    database.insert("users", { id: 1, name: "alice" });
    database.insert(
      "pre_auth_keys",
      { id: 3, prefix: "abcdefABCD-_", hash: Buffer.from(bcrypt), user_id: 1, reusable: 1, tags: '["tag:ci"]' },
      { id: 4, key: legacyKey, user_id: 1, ephemeral: 1, used: 1, expiration: gormTime },
    );
    expect(converted(database).authKeys).toEqual([
      {
        id: 3,
        tailnet: defaultTailnetId,
        userId: 1,
        prefix: "abcdefABCD-_",
        hash: bcrypt,
        reusable: true,
        ephemeral: false,
        used: false,
        tags: ["tag:ci"],
        createdAt: now,
      },
      {
        id: 4,
        tailnet: defaultTailnetId,
        userId: 1,
        prefix: "0123456789ab",
        hash: `hash of ${legacyKey}`,
        reusable: false,
        ephemeral: true,
        used: true,
        tags: [],
        expiresAt: gormMs,
        createdAt: now,
      },
    ]);
  });

  test("finds the tags of a pre-auth key of 0.22 in their own table", () => {
    using database = new OldDatabase("0.22");
    database.insert("users", { id: 1, name: "alice" });
    database.insert("pre_auth_keys", { id: 1, key: legacyKey, user_id: 1 });
    database.insert(
      "pre_auth_key_acl_tags",
      { pre_auth_key_id: 1, tag: "tag:ci" },
      { pre_auth_key_id: 2, tag: "tag:no" },
    );
    expect(converted(database).authKeys[0]?.tags).toEqual(["tag:ci"]);
  });

  test("keeps API keys with their hashes", () => {
    using database = new OldDatabase("0.22");
    database.insert("api_keys", { id: 2, prefix: "AbCdEf1", hash: Buffer.from(bcrypt), expiration: gormTime });
    expect(converted(database).apiKeys).toEqual([
      { id: 2, prefix: "AbCdEf1", hash: bcrypt, expiresAt: gormMs, createdAt: now },
    ]);
  });

  test("takes the last policy", () => {
    using database = new OldDatabase("0.26");
    database.insert("policies", { id: 1, data: "{}" }, { id: 2, data: '{"acls":[]}', created_at: gormTime });
    expect(converted(database).policy).toEqual({
      id: 2,
      tailnet: defaultTailnetId,
      text: '{"acls":[]}',
      createdAt: gormMs,
    });
  });

  test("gives a node of before 0.28 the tags that it asks for and may have", () => {
    using database = new OldDatabase("0.26");
    database.insert("users", { id: 1, name: "alice" });
    const host_info = JSON.stringify({ RequestTags: ["tag:mine", "tag:theirs"] });
    database.insert("nodes", nodeRow("0.26", { host_info, expiry: gormTime }));
    const [node] = converted(database, (user, tag) => user === 1 && tag === "tag:mine").nodes;
    expect(node?.owner).toEqual({ kind: "tags", tags: ["tag:mine"] });
    expect(node?.expiry).toBeUndefined();
  });

  test("finds the owner of a node that lost its user by the key that it came with", () => {
    using database = new OldDatabase("0.29");
    database.insert("users", { id: 1, name: "alice" });
    database.insert("pre_auth_keys", { id: 3, key: legacyKey, user_id: 1, ephemeral: 1 });
    database.insert("nodes", nodeRow("0.29", { user_id: null, tags: "null", auth_key_id: 3 }));
    expect(converted(database).nodes[0]).toMatchObject({
      owner: { kind: "user", userId: 1 },
      authKeyId: 3,
      ephemeral: true,
    });
  });

  test("knows users of a provider by their identity, without the double slashes of old", () => {
    using database = new OldDatabase("0.25");
    database.insert("users", {
      id: 4,
      name: "bob",
      email: "bob@example.com",
      provider_identifier: "https://id.example.com//x//bob",
      provider: "oidc",
    });
    expect(converted(database).users[0]).toMatchObject({
      id: 4,
      providerId: "https://id.example.com/x/bob",
      provider: "oidc",
      email: "bob@example.com",
    });
  });

  test.for([
    { says: "Go's zero time", expiry: "0001-01-01 00:00:00+00:00", is: undefined },
    { says: "NULL", expiry: null, is: undefined },
    { says: "a moment", expiry: gormTime, is: gormMs },
  ])("reads an expiry that is $says", ({ expiry, is }) => {
    using database = new OldDatabase("0.29");
    database.insert("users", { id: 1, name: "alice" }).insert("nodes", nodeRow("0.29", { expiry }));
    expect(converted(database).nodes[0]?.expiry).toBe(is);
  });

  test("leaves out what was deleted", () => {
    using database = new OldDatabase("0.22");
    database.insert("users", { id: 1, name: "alice" }, { id: 2, name: "gone", deleted_at: gormTime });
    database.insert("machines", nodeRow("0.22", { deleted_at: gormTime }));
    const { users, nodes } = converted(database);
    expect(users.map(({ name }) => name)).toEqual(["alice"]);
    expect(nodes).toEqual([]);
  });

  test("mends what would not stand here, and says so", () => {
    using database = new OldDatabase("0.29");
    database.insert("users", { id: 1, name: "alice" });
    database.insert(
      "nodes",
      nodeRow("0.29", { id: 1 }),
      nodeRow("0.29", { id: 2, node_key: `nodekey:${hex(9)}`, given_name: "LAPTOP" }),
      nodeRow("0.29", { id: 3, node_key: `nodekey:${hex(8)}`, given_name: "büro pc", ipv4: null, ipv6: "nonsense" }),
    );
    const { nodes, remarks } = converted(database);
    expect(nodes.map(({ id, name, ipv4, renamed }) => ({ id, name, ipv4, renamed }))).toEqual([
      { id: 1, name: "laptop", ipv4: "100.64.0.1", renamed: false },
      { id: 2, name: "laptop-1", ipv4: undefined, renamed: true },
      { id: 3, name: "bro-pc", ipv4: undefined, renamed: true },
    ]);
    expect(remarks.map(({ about, says }) => `${about} ${says}`)).toEqual([
      "node 2 is called laptop-1 now: names are DNS labels, and unique",
      "node 2 shares an address with another node and loses it",
      "node 2 shares an address with another node and loses it",
      "node 2 has no address: `headscalectl nodes backfillips` gives it one",
      "node 3 is called bro-pc now: names are DNS labels, and unique",
      "node 3 has no address: `headscalectl nodes backfillips` gives it one",
    ]);
  });

  test.for([
    { says: "a node of nobody", table: "nodes", row: nodeRow("0.29", { user_id: 99 }), about: "node 7" },
    {
      says: "a pre-auth key without a secret",
      table: "pre_auth_keys",
      row: { id: 5, key: "short", user_id: 1 },
      about: "pre-auth key 5",
    },
    {
      says: "a pre-auth key of nobody",
      table: "pre_auth_keys",
      row: { id: 5, key: legacyKey, user_id: 99 },
      about: "pre-auth key 5",
    },
    {
      says: "an API key whose hash is none",
      table: "api_keys",
      row: { id: 6, prefix: "abcdefg", hash: Buffer.from("plain") },
      about: "API key 6",
    },
  ])("leaves out $says, and says so", ({ table, row, about }) => {
    using database = new OldDatabase("0.29");
    database.insert("users", { id: 1, name: "alice" }).insert(table, row);
    const { nodes, authKeys, apiKeys, remarks } = converted(database);
    expect([...nodes, ...authKeys, ...apiKeys]).toEqual([]);
    expect(remarks.map((remark) => remark.about)).toEqual([about]);
  });

  test.for([
    { says: "a node key", table: "nodes", row: { node_key: "secret-in-the-wrong-box" }, column: "node_key" },
    { says: "a machine key", table: "nodes", row: { machine_key: "mkey:123" }, column: "machine_key" },
    { says: "tags", table: "nodes", row: { tags: '{"a":1}' }, column: "tags" },
    { says: "approved routes", table: "nodes", row: { approved_routes: "[1" }, column: "approved_routes" },
    { says: "an expiry", table: "nodes", row: { expiry: "soon" }, column: "expiry" },
  ])("refuses $says that cannot be read, naming row and column alone", ({ table, row, column }) => {
    using database = new OldDatabase("0.29");
    database.insert("users", { id: 1, name: "alice" }).insert(table, nodeRow("0.29", row as OldRow));
    const attempt = () => converted(database);
    expect(attempt).toThrow(ImportError);
    expect(attempt).toThrow(new RegExp(`^row 7 of nodes: .*${column}.* cannot be read$`));
  });

  test("passes over what a node said of itself when it cannot be read", () => {
    using database = new OldDatabase("0.29");
    database.insert("users", { id: 1, name: "alice" });
    database.insert("nodes", nodeRow("0.29", { host_info: "{{", endpoints: "null", disco_key: "" }));
    const { nodes, presence } = converted(database);
    expect(nodes).toHaveLength(1);
    expect([...presence.values()]).toMatchObject([{ endpoints: [], hostinfo: {}, homeDerp: 0 }]);
  });
});
