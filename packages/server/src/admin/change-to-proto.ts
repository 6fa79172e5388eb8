import { create, type JsonObject } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { type Change as ChangeMessage, ChangeSchema } from "@headscale/gen/headscale/v1/change_pb.ts";
import { type Change, type Effect, serverScope } from "@headscale/tailnet";
import type { PresenceNews } from "#live/change-feed.ts";
import type { Live } from "#live/live.ts";

/** Fields of a row that never leave the server, or are too long for a list. */
const hidden: ReadonlySet<string> = new Set(["hash", "text"]);

/** One entry of the audit log, which is also one event of a watch. */
export function toChange(live: Live, change: Change): ChangeMessage {
  const detail = detailOf(change);
  return create(ChangeSchema, {
    revision: BigInt(change.revision),
    tailnet: change.tailnet === serverScope ? "" : (live.world.tailnets.get(change.tailnet)?.name ?? ""),
    time: timestampFromMs(change.at),
    actor: change.actor,
    kind: change.kind,
    subject: `${change.subject}:${change.id}`,
    summary: summaryOf(change),
    ...(detail && { detail }),
  });
}

/** A node that came or went, with the revision at which it did. */
export function toPresenceChange(live: Live, news: PresenceNews): ChangeMessage {
  const name = live.world.nodes.get(news.id)?.name;
  return create(ChangeSchema, {
    revision: BigInt(live.world.revisions.get(news.tailnet) ?? 0),
    tailnet: live.world.tailnets.get(news.tailnet)?.name ?? "",
    time: timestampFromMs(news.at),
    actor: `node:${news.id}`,
    kind: news.kind,
    subject: `node:${news.id}`,
    summary: `node ${name === undefined ? news.id : `"${name}"`} ${news.kind === "node-online" ? "connected" : "went offline"}`,
  });
}

function detailOf({ after }: Effect): JsonObject | undefined {
  if (!after) return undefined;
  const shown = Object.entries(after).filter(([name]) => !hidden.has(name));
  return JSON.parse(JSON.stringify(Object.fromEntries(shown))) as JsonObject;
}

/** What it is called, as far as the change still says. */
function nameOf({ subject, id, after }: Effect): string {
  const name = after && "name" in after ? ` "${after.name}"` : "";
  return `${subjectNames[subject] ?? subject}${name || ` ${id}`}`;
}

/** Where a subject's name in the log is not what people call it. */
const subjectNames: Readonly<Record<string, string>> = {
  "auth-key": "pre-auth key",
  "api-key": "API key",
  "auth-request": "login",
};

/** What the last part of a kind says about its subject. */
const verbs: Readonly<Record<string, string>> = {
  "owner-set": "got a new default owner",
  "expiry-set": "got another key expiry",
  "logged-out": "logged out",
  "hostname-reported": "reported another host name",
  set: "was set",
};

/** One sentence for people, out of the kind and the new row: `node "laptop" was renamed`. */
export function summaryOf(change: Effect): string {
  const { kind } = change;
  const prefix = `${change.subject}-`;
  const happened = change.kind.startsWith(prefix) ? change.kind.slice(prefix.length) : change.kind;
  if (change.subject === "node" && change.after !== undefined) {
    const { approvedRoutes, owner } = change.after;
    const routes = approvedRoutes.join(", ") || "no route";
    if (kind === "routes-approved") return `${nameOf(change)} may serve ${routes}`;
    if (kind === "routes-auto-approved") return `${nameOf(change)} may serve ${routes}, by the policy`;
    if (kind === "node-tagged" && owner.kind === "tags") return `${nameOf(change)} was tagged ${owner.tags.join(", ")}`;
  }
  if (kind === "user-role-set" && change.subject === "user" && change.after !== undefined) {
    return `${nameOf(change)} got the role ${change.after.role}`;
  }
  return `${nameOf(change)} ${verbs[happened] ?? `was ${happened.replaceAll("-", " ")}`}`;
}

/** Whether a change is of one of these kinds; a kind that ends with a hyphen stands for all that begin with it. */
export function isOfKinds(change: Pick<Effect, "kind"> | PresenceNews, kinds: readonly string[]): boolean {
  return (
    kinds.length === 0 ||
    kinds.some((kind) => (kind.endsWith("-") ? change.kind.startsWith(kind) : change.kind === kind))
  );
}
