import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import type { AuditService, ListChangesRequest } from "@headscale/gen/headscale/v1/audit_pb.ts";
import type { HistoryQuery, Store } from "@headscale/store";
import { type Subject, TailnetError } from "@headscale/tailnet";
import { tailnetNamed } from "@headscale/tailnet/commands";
import type { Live } from "#live/live.ts";
import { toChange } from "./change-to-proto.ts";
import { type PageLimits, pageSizeOf } from "./page-size.ts";
import { allTailnets } from "./scope.ts";

const subjects = [
  "tailnet",
  "user",
  "node",
  "auth-key",
  "api-key",
  "auth-request",
  "policy",
] as const satisfies readonly Subject[];

export function auditService(live: Live, store: Store, limits: PageLimits): ServiceImpl<typeof AuditService> {
  return {
    async listChanges(request) {
      const { changes, next = "" } = await pageOf(store, queryOf(live, request, limits));
      return { changes: changes.map((change) => toChange(live, change)), nextPageToken: next };
    },
  };
}

/** @throws {TailnetError} "argument-invalid" for a page size or token that makes no sense. */
async function pageOf(store: Store, query: HistoryQuery) {
  try {
    return await store.history(query);
  } catch (cause) {
    if (cause instanceof RangeError) throw new TailnetError("argument-invalid", cause.message, { cause });
    throw cause;
  }
}

function queryOf(live: Live, request: ListChangesRequest, limits: PageLimits): HistoryQuery {
  return {
    ...(request.tailnet !== allTailnets && { tailnet: tailnetNamed(live.world, request.tailnet).id }),
    ...subjectOf(request.subject),
    ...(request.kinds.length > 0 && { kinds: request.kinds }),
    ...(request.actor !== "" && { actor: request.actor }),
    ...(request.since && { since: timestampMs(request.since) }),
    ...(request.until && { until: timestampMs(request.until) }),
    ...(request.oldestFirst && { order: "oldest-first" }),
    ...(request.pageToken !== "" && { cursor: request.pageToken }),
    limit: pageSizeOf(request.pageSize, limits),
  };
}

/** `node:12`, or `node` for all of them. @throws {TailnetError} */
function subjectOf(text: string): Pick<HistoryQuery, "subject" | "subjectId"> {
  if (text === "") return {};
  const [kind = "", id] = text.split(":", 2);
  const subject = subjects.find((known) => known === kind);
  if (!subject)
    throw new TailnetError(
      "argument-invalid",
      `subject: write one of ${subjects.join(", ")}, with :ID behind it for one of them`,
    );
  if (id === undefined) return { subject };
  if (subject !== "auth-request" && !/^\d{1,15}$/.test(id))
    throw new TailnetError("argument-invalid", `subject: a number belongs behind ${subject}:`);
  return { subject, subjectId: subject === "auth-request" ? id : Number(id) };
}
