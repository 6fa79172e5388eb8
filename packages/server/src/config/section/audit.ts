import { type Key, key, type Reading } from "../key.ts";
import { duration } from "../kind/duration.ts";
import { integer } from "../kind/kind.ts";

export const auditKeys = {
  "audit.retention": key(
    duration,
    "90d",
    "How long the record of changes is kept, which is the audit log and what watches resume from; 0: for ever.",
  ),
  "audit.max_entries": key(
    integer(0, 1_000_000_000),
    "1000000",
    "The oldest records go when there are more than this; 0: no limit.",
  ),
} satisfies Record<string, Key<unknown>>;

export interface AuditConfig {
  /** Undefined: for ever. */
  readonly retentionMs: number | undefined;
  /** Undefined: no limit. */
  readonly maxEntries: number | undefined;
}

/** Other daemons on the database, and watches that reconnect, read on from where they were: that much has to be there. */
const least = { retentionMs: 3_600_000, entries: 1_000 };

export function auditSection({ value, remarks }: Reading<typeof auditKeys>): AuditConfig {
  const retentionMs = value["audit.retention"];
  const maxEntries = value["audit.max_entries"];
  if (retentionMs !== 0 && retentionMs < least.retentionMs)
    remarks.refuse("audit.retention", "must be at least 1h, or 0 for ever");
  if (maxEntries !== 0 && maxEntries < least.entries)
    remarks.refuse("audit.max_entries", `must be at least ${least.entries}, or 0 for no limit`);
  return {
    retentionMs: retentionMs === 0 ? undefined : retentionMs,
    maxEntries: maxEntries === 0 ? undefined : maxEntries,
  };
}
