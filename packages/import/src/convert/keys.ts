import {
  type ApiKey,
  type ApiKeyId,
  defaultTailnetId,
  type HashedSecret,
  type PreAuthKey,
  type PreAuthKeyId,
  type UserId,
} from "@headscale/tailnet";
import type { Row } from "#fields/row.ts";
import type { Remarks } from "../remark.ts";

/** As versions up to 0.27 made them, and stored them in clear. Source: headscale v0.26.1 hscontrol/db/preauth_keys.go. */
const legacyForm = /^[0-9a-f]{48}$/;
const bcryptForm = /^\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}$/;

export interface AuthKeySource {
  readonly rows: readonly Row[];
  /** Tags in a table of their own, up to 0.23. */
  readonly tagRows: readonly Row[];
  readonly userIds: ReadonlySet<UserId>;
  /** What to keep of a pre-auth key that is stored in clear. */
  hashLegacy(key: string): HashedSecret | undefined;
}

/** Pre-auth keys under their old ids, spent and expired ones too: nodes refer to them. */
export function convertAuthKeys(source: AuthKeySource, now: number, remark: Remarks): readonly PreAuthKey[] {
  const prefixes = new Set<string>();
  return source.rows.flatMap((row): readonly PreAuthKey[] => {
    const about = `pre-auth key ${row.id}`;
    const secret = secretOf(row, source);
    const tags = tagsOf(row, source.tagRows);
    const userId = row.reference("user_id", "namespace_id") as UserId | undefined;
    const owner = userId !== undefined && source.userIds.has(userId) ? userId : undefined;
    if (!secret || prefixes.has(secret.prefix)) {
      remark(about, "is left out: it has no secret that could be checked");
      return [];
    }
    if (owner === undefined && tags.length === 0) {
      remark(about, "is left out: it belongs to no user and carries no tag");
      return [];
    }
    prefixes.add(secret.prefix);
    const revokedAt = row.moment("revoked");
    const expiresAt = earliest(row.moment("expiration"), revokedAt);
    return [
      {
        ...secret,
        id: row.id as PreAuthKeyId,
        tailnet: defaultTailnetId,
        ...(owner !== undefined && { userId: owner }),
        reusable: row.flag("reusable"),
        ephemeral: row.flag("ephemeral"),
        used: row.flag("used"),
        tags,
        ...(expiresAt !== undefined && { expiresAt }),
        createdAt: row.moment("created_at") ?? now,
        ...(revokedAt !== undefined && { revokedAt }),
      },
    ];
  });
}

function secretOf(row: Row, source: AuthKeySource): HashedSecret | undefined {
  const [prefix, hash, key] = [row.text("prefix"), row.text("hash"), row.text("key")];
  if (prefix !== "" && bcryptForm.test(hash)) return { prefix, hash };
  return legacyForm.test(key) ? source.hashLegacy(key) : undefined;
}

function tagsOf(row: Row, tagRows: readonly Row[]): readonly string[] {
  const apart = tagRows.filter((tag) => tag.reference("pre_auth_key_id") === row.id).map((tag) => tag.text("tag"));
  return [...new Set([...row.list("tags"), ...apart])].sort();
}

function earliest(...moments: readonly (number | undefined)[]): number | undefined {
  const known = moments.filter((moment) => moment !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}

/** API keys under their old ids; their hashes are bcrypt's. */
export function convertApiKeys(rows: readonly Row[], now: number, remark: Remarks): readonly ApiKey[] {
  return rows.flatMap((row): readonly ApiKey[] => {
    const [prefix, hash] = [row.text("prefix"), row.text("hash")];
    if (prefix === "" || !bcryptForm.test(hash)) {
      remark(`API key ${row.id}`, "is left out: it has no secret that could be checked");
      return [];
    }
    const expiresAt = row.moment("expiration");
    return [
      {
        id: row.id as ApiKeyId,
        prefix,
        hash,
        ...(expiresAt !== undefined && { expiresAt }),
        createdAt: row.moment("created_at") ?? now,
      },
    ];
  });
}
