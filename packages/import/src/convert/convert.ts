import {
  type ApiKey,
  defaultTailnetId,
  type HashedSecret,
  type Node,
  type NodeId,
  type PolicyId,
  type PolicyRevision,
  type PreAuthKey,
  type Presence,
  type User,
  type UserId,
} from "@headscale/tailnet";
import type { SourceTables } from "#database/source.ts";
import { type Row, rowsOf } from "#fields/row.ts";
import type { Remark } from "../remark.ts";
import { approvedRoutesOf } from "./approved-routes.ts";
import { convertApiKeys, convertAuthKeys } from "./keys.ts";
import { convertNodes } from "./nodes.ts";
import { convertPresence } from "./presence.ts";
import { convertUsers } from "./users.ts";

/** A headscale database in our terms, all of it in the tailnet `default`. */
export interface Imported {
  readonly users: readonly User[];
  readonly nodes: readonly Node[];
  readonly presence: ReadonlyMap<NodeId, Presence>;
  readonly authKeys: readonly PreAuthKey[];
  readonly apiKeys: readonly ApiKey[];
  readonly policy: PolicyRevision | undefined;
  readonly remarks: readonly Remark[];
}

export interface ConvertOptions {
  /** ms since the epoch, for rows that do not say when they came to be. */
  readonly now: number;
  /** What to keep of a pre-auth key that is stored in clear, 48 hex digits. */
  hashLegacy(key: string): HashedSecret | undefined;
  /** Which tags a user's nodes may carry by a policy text; undefined text = no policy. */
  tagJudge(policy: string | undefined, users: readonly User[]): (user: UserId, tag: string) => boolean;
}

/** @throws {ImportError} "bad-row" */
export function convert(tables: SourceTables, options: ConvertOptions): Imported {
  const remarks: Remark[] = [];
  const remark = (about: string, says: string) => void remarks.push({ about, says });
  const rows = (table: string) => rowsOf(table, tables.get(table));
  const { now } = options;

  const policy = convertPolicy(rows("policies"), now);
  const users = convertUsers(rows("users"), now, remark);
  const userIds = new Set(users.map(({ id }) => id));
  const authKeys = convertAuthKeys(
    { rows: rows("pre_auth_keys"), tagRows: rows("pre_auth_key_acl_tags"), userIds, hashLegacy: options.hashLegacy },
    now,
    remark,
  );
  // A table `machines` beside `nodes` is what a migration of headscale's left behind.
  const nodeRows = tables.has("nodes") ? rows("nodes") : rows("machines");
  const presences = new Map(nodeRows.map((row) => [row.id as NodeId, convertPresence(row)]));
  const nodes = convertNodes(
    {
      rows: nodeRows,
      userIds,
      authKeys: new Map(authKeys.map((key) => [key.id, key])),
      approvedRoutes: approvedRoutesOf(rows("routes"), remark),
      presence: (row) => presences.get(row.id as NodeId) as Presence,
      mayTag: options.tagJudge(policy?.text, users),
    },
    now,
    remark,
  );
  for (const row of rows("oauth_clients")) remark(`OAuth client ${row.id}`, "is left out: make an API key instead");
  return {
    users,
    nodes,
    presence: new Map(nodes.map(({ id }) => [id, presences.get(id) as Presence])),
    authKeys,
    apiKeys: convertApiKeys(rows("api_keys"), now, remark),
    policy,
    remarks,
  };
}

/** Of many revisions the last is in force. */
function convertPolicy(rows: readonly Row[], now: number): PolicyRevision | undefined {
  const last = rows.filter((row) => row.text("data").trim() !== "").at(-1);
  return (
    last && {
      id: last.id as PolicyId,
      tailnet: defaultTailnetId,
      text: last.text("data"),
      createdAt: last.moment("created_at") ?? now,
    }
  );
}
