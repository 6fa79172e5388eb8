import type { Change, ChangeKind, Subject, TailnetId } from "@headscale/tailnet";
import type { Rows } from "./tables.ts";

/** Without `seq`, which the database counts. */
export function changeRow({ id, after, ...change }: Change): Omit<Rows["changes"], "seq"> {
  return { ...change, subjectId: String(id), after: after ? { ...after } : null };
}

/** `after` was written by `changeRow` from a domain value and is taken at its word. */
export function changeOf(row: Omit<Rows["changes"], "seq">): Change {
  const subject = row.subject as Subject;
  return {
    subject,
    tailnet: row.tailnet as TailnetId,
    kind: row.kind as ChangeKind,
    id: subject === "auth-request" ? row.subjectId : Number(row.subjectId),
    after: row.after ?? undefined,
    revision: row.revision,
    at: row.at,
    actor: row.actor,
  } as unknown as Change;
}
