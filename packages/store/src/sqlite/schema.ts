import { sql } from "drizzle-orm";
import { check, index, integer, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";
import { bytes, freeText, json } from "./columns.ts";

// The twin of postgres/schema.ts: the same tables, columns and indexes. Times in ms since the epoch.

const flag = (name: string) => integer(name, { mode: "boolean" });

export const tailnets = sqliteTable(
  "tailnets",
  {
    id: integer("id").primaryKey(),
    name: text("name").notNull(),
    /** Refers to `users`, which refers back: not enforced. */
    defaultOwner: integer("default_owner"),
    createdAt: integer("created_at").notNull(),
  },
  (t) => [uniqueIndex("tailnets_name").on(t.name)],
);

export const users = sqliteTable(
  "users",
  {
    id: integer("id").primaryKey(),
    tailnet: integer("tailnet")
      .notNull()
      .references(() => tailnets.id),
    name: freeText("name").notNull(),
    displayName: freeText("display_name").notNull(),
    email: freeText("email").notNull(),
    /** Empty for local users. */
    providerId: freeText("provider_id").notNull(),
    provider: freeText("provider").notNull(),
    profilePicUrl: freeText("profile_pic_url").notNull(),
    role: text("role").notNull(),
    createdAt: integer("created_at").notNull(),
  },
  (t) => [
    uniqueIndex("users_local_name").on(t.tailnet, t.name).where(sql`provider_id = ''`),
    uniqueIndex("users_provider_id").on(t.tailnet, t.providerId).where(sql`provider_id <> ''`),
  ],
);

export const nodes = sqliteTable(
  "nodes",
  {
    id: integer("id").primaryKey(),
    tailnet: integer("tailnet")
      .notNull()
      .references(() => tailnets.id),
    machineKey: text("machine_key").notNull(),
    nodeKey: text("node_key").notNull(),
    nlKey: text("nl_key"),
    hostname: freeText("hostname").notNull(),
    name: text("name").notNull(),
    renamed: flag("renamed").notNull(),
    userId: integer("user_id").references(() => users.id),
    tags: json<readonly string[]>("tags"),
    ipv4: text("ipv4"),
    ipv6: text("ipv6"),
    expiry: integer("expiry"),
    ephemeral: flag("ephemeral").notNull(),
    registerMethod: text("register_method").notNull(),
    /** Stays when the key is deleted. */
    authKeyId: integer("auth_key_id"),
    approvedRoutes: json<readonly string[]>("approved_routes").notNull(),
    createdAt: integer("created_at").notNull(),
  },
  (t) => [
    uniqueIndex("nodes_node_key").on(t.nodeKey),
    uniqueIndex("nodes_name").on(t.tailnet, t.name),
    uniqueIndex("nodes_ipv4").on(t.ipv4),
    uniqueIndex("nodes_ipv6").on(t.ipv6),
    index("nodes_user_id").on(t.userId),
    check("nodes_one_owner", sql`(user_id is null) <> (tags is null)`),
  ],
);

/** The half of a node that is written behind. */
export const presence = sqliteTable("presence", {
  nodeId: integer("node_id")
    .primaryKey()
    .references(() => nodes.id, { onDelete: "cascade" }),
  tailnet: integer("tailnet").notNull(),
  lastSeen: integer("last_seen"),
  discoKey: text("disco_key"),
  endpoints: json<readonly string[]>("endpoints").notNull(),
  homeDerp: integer("home_derp").notNull(),
  hostinfo: json<Record<string, unknown>>("hostinfo").notNull(),
  capVersion: integer("cap_version").notNull(),
  unresponsive: flag("unresponsive").notNull().default(false),
  connectedAt: integer("connected_at"),
  /** The daemon that it is connected to; counts only while that one's lease runs. */
  replica: text("replica"),
});

/** Daemons that share this database. One that does not renew its lease is gone. */
export const replicas = sqliteTable("replicas", {
  id: text("id").primaryKey(),
  expiresAt: integer("expires_at").notNull(),
});

/** Which router serves a prefix: decided once for all daemons. */
export const primaries = sqliteTable(
  "primaries",
  {
    tailnet: integer("tailnet").notNull(),
    prefix: text("prefix").notNull(),
    nodeId: integer("node_id").references(() => nodes.id, { onDelete: "cascade" }),
  },
  (t) => [uniqueIndex("primaries_prefix").on(t.tailnet, t.prefix)],
);

export const authKeys = sqliteTable(
  "auth_keys",
  {
    id: integer("id").primaryKey(),
    tailnet: integer("tailnet")
      .notNull()
      .references(() => tailnets.id),
    userId: integer("user_id").references(() => users.id),
    prefix: text("prefix").notNull(),
    hash: text("hash").notNull(),
    reusable: flag("reusable").notNull(),
    ephemeral: flag("ephemeral").notNull(),
    used: flag("used").notNull(),
    tags: json<readonly string[]>("tags").notNull(),
    expiresAt: integer("expires_at"),
    createdAt: integer("created_at").notNull(),
    revokedAt: integer("revoked_at"),
  },
  (t) => [uniqueIndex("auth_keys_prefix").on(t.prefix), index("auth_keys_user_id").on(t.userId)],
);

/** Of the server's own scope, like pending logins. */
export const apiKeys = sqliteTable(
  "api_keys",
  {
    id: integer("id").primaryKey(),
    prefix: text("prefix").notNull(),
    hash: text("hash").notNull(),
    expiresAt: integer("expires_at"),
    createdAt: integer("created_at").notNull(),
  },
  (t) => [uniqueIndex("api_keys_prefix").on(t.prefix)],
);

/** When API keys were last used: written behind. */
export const apiKeyUses = sqliteTable("api_key_uses", {
  apiKeyId: integer("api_key_id")
    .primaryKey()
    .references(() => apiKeys.id, { onDelete: "cascade" }),
  lastSeen: integer("last_seen").notNull(),
});

export const authRequests = sqliteTable("auth_requests", {
  id: text("id").primaryKey(),
  purpose: json<Record<string, unknown>>("purpose").notNull(),
  verdict: text("verdict").notNull(),
  nodeId: integer("node_id"),
  createdAt: integer("created_at").notNull(),
  expiresAt: integer("expires_at").notNull(),
});

/** Every policy that was ever set; the highest id of a tailnet is in force. */
export const policies = sqliteTable(
  "policies",
  {
    id: integer("id").primaryKey(),
    tailnet: integer("tailnet")
      .notNull()
      .references(() => tailnets.id, { onDelete: "cascade" }),
    text: freeText("text").notNull(),
    /** SHA-256 of the text in UTF-8, hex. */
    sha256: text("sha256").notNull(),
    sizeBytes: integer("size_bytes").notNull(),
    actor: freeText("actor").notNull(),
    createdAt: integer("created_at").notNull(),
  },
  (t) => [index("policies_tailnet").on(t.tailnet, t.id)],
);

/** The audit log, and what replicas catch up with. */
export const changes = sqliteTable(
  "changes",
  {
    /** Order over all tailnets; within one it agrees with `revision`. */
    seq: integer("seq").primaryKey(),
    tailnet: integer("tailnet").notNull(),
    revision: integer("revision").notNull(),
    at: integer("at").notNull(),
    actor: freeText("actor").notNull(),
    kind: text("kind").notNull(),
    subject: text("subject").notNull(),
    subjectId: text("subject_id").notNull(),
    /** The subject's row as the change left it; null: deleted. */
    after: json<Record<string, unknown>>("after"),
  },
  (t) => [
    uniqueIndex("changes_revision").on(t.tailnet, t.revision),
    index("changes_subject").on(t.subject, t.subjectId, t.seq),
    index("changes_kind").on(t.kind, t.seq),
    index("changes_at").on(t.at),
  ],
);

/** The newest revision of each tailnet. A commit that saw another one sets −1 and so fails at the check. */
export const revisions = sqliteTable(
  "revisions",
  { tailnet: integer("tailnet").primaryKey(), revision: integer("revision").notNull() },
  () => [check("revisions_in_step", sql`revision > 0`)],
);

/** Next free ids; they only grow. */
export const sequences = sqliteTable("sequences", {
  subject: text("subject").primaryKey(),
  next: integer("next").notNull(),
});

/** Small files that replicas share. */
export const blobs = sqliteTable("blobs", {
  name: text("name").primaryKey(),
  bytes: bytes("bytes").notNull(),
  updatedAt: integer("updated_at").notNull(),
});
