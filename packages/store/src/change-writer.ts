import type { Change, Subject, TailnetId } from "@headscale/tailnet";
import { sql } from "drizzle-orm";
import { changeRow } from "./change-row.ts";
import type { Statement } from "./database.ts";
import { apiKeyRow, authKeyRow, authRequestRow, nodeRow, policyRow, tailnetRow, userRow } from "./rows.ts";
import { type Dialect, insertInto, prepare, upsertInto } from "./tables.ts";

/** Changes as statements: the step of each tailnet's revision first, so that a stale commit fails at once. */
export class ChangeWriter {
  readonly #step: (values: Record<string, unknown>) => Statement;
  readonly #put: (change: Change) => Statement;
  readonly #drop: Readonly<Record<Subject, (values: Record<string, unknown>) => Statement>>;
  readonly #record: (change: Change) => Statement;
  readonly #advance: (values: Record<string, unknown>) => Statement;
  /** What the database has at least: an id below needs no writing. */
  readonly #sequences = new Map<Subject, number>();

  constructor(dialect: Dialect) {
    this.#step = stepStatement(dialect);
    this.#put = putStatements(dialect);
    this.#drop = dropStatements(dialect);
    const insertChange = insertInto(dialect, "changes", "seq");
    this.#record = (change) => insertChange(changeRow(change));
    const { sequences } = dialect.tables;
    this.#advance = prepare(
      dialect.compile,
      sql`insert into ${sequences} (subject, next) values (${sql.placeholder("subject")}, ${sql.placeholder("next")})
        on conflict (subject) do update set next = excluded.next where ${sequences.next} < excluded.next`,
    );
  }

  statementsFor(changes: readonly Change[]): Statement[] {
    const rows = changes.map((change) =>
      change.after === undefined
        ? this.#drop[change.subject]({ id: change.id, tailnet: change.tailnet })
        : this.#put(change),
    );
    const next = [...this.#nextIds(changes)].sort(([a], [b]) => (a < b ? -1 : 1));
    return [
      ...stepsOf(changes).map((step) => this.#step(step)),
      ...rows,
      ...changes.map(this.#record),
      ...next.map(([subject, id]) => this.#advance({ subject, next: id })),
    ];
  }

  /** The changes are durable: their ids need no reserving again. */
  committed(changes: readonly Change[]): void {
    for (const [subject, next] of this.#nextIds(changes)) this.#sequences.set(subject, next);
  }

  /** Sequences that these changes go beyond, and the ids that follow. */
  #nextIds(changes: readonly Change[]): Map<Subject, number> {
    const next = new Map<Subject, number>();
    for (const { subject, id } of changes) {
      if (typeof id === "string") continue;
      const known = next.get(subject) ?? this.#sequences.get(subject) ?? 0;
      if (id >= known) next.set(subject, id + 1);
    }
    return next;
  }
}

interface Step extends Record<string, unknown> {
  readonly tailnet: TailnetId;
  readonly before: number;
  after: number;
}

/** How far each tailnet moves; by ascending id, so that two writers never wait for each other in a ring. */
function stepsOf(changes: readonly Change[]): readonly Step[] {
  const steps = new Map<TailnetId, Step>();
  for (const { tailnet, revision } of changes) {
    const step = steps.get(tailnet) ?? { tailnet, before: revision - 1, after: revision - 1 };
    if (revision !== step.after + 1) throw new RangeError(`tailnet ${tailnet} skips from ${step.after} to ${revision}`);
    step.after = revision;
    steps.set(tailnet, step);
  }
  return [...steps.values()].sort((a, b) => a.tailnet - b.tailnet);
}

/**
 * Moves a tailnet from `before` to `after`, or breaks the check `revisions_in_step`. PostgreSQL checks the row to insert
 * even when it turns into an update, so that row is wrong only when there is nothing to update.
 */
function stepStatement({ tables: { revisions }, compile }: Dialect) {
  const whole = (name: string) => sql`cast(${sql.placeholder(name)} as bigint)`;
  const [tailnet, before, after] = [whole("tailnet"), whole("before"), whole("after")];
  const known = sql`exists (select 1 from ${revisions} where ${revisions.tailnet} = ${tailnet})`;
  return prepare(
    compile,
    sql`insert into ${revisions} (tailnet, revision)
      select ${tailnet}, case when ${before} = 0 or ${known} then ${after} else -1 end where true
      on conflict (tailnet) do update
      set revision = case when ${revisions.revision} = ${before} then ${after} else -1 end`,
  );
}

function putStatements(dialect: Dialect): (change: Change) => Statement {
  const { tables } = dialect;
  const tailnet = upsertInto(dialect, "tailnets", tables.tailnets.id);
  const user = upsertInto(dialect, "users", tables.users.id);
  const node = upsertInto(dialect, "nodes", tables.nodes.id);
  const authKey = upsertInto(dialect, "authKeys", tables.authKeys.id);
  const apiKey = upsertInto(dialect, "apiKeys", tables.apiKeys.id);
  const authRequest = upsertInto(dialect, "authRequests", tables.authRequests.id);
  const policy = upsertInto(dialect, "policies", tables.policies.id);
  return (change) => {
    if (change.after === undefined) throw new TypeError("nothing to put");
    switch (change.subject) {
      case "tailnet":
        return tailnet(tailnetRow(change.after));
      case "user":
        return user(userRow(change.after));
      case "node":
        return node(nodeRow(change.after));
      case "auth-key":
        return authKey(authKeyRow(change.after));
      case "api-key":
        return apiKey(apiKeyRow(change.after));
      case "auth-request":
        return authRequest(authRequestRow(change.after));
      case "policy":
        return policy(policyRow(change.after, change.actor));
    }
  };
}

function dropStatements({ tables, compile }: Dialect) {
  const drop = (table: { readonly id: unknown }) =>
    prepare(compile, sql`delete from ${table} where id = ${sql.placeholder("id")}`);
  return {
    tailnet: drop(tables.tailnets),
    user: drop(tables.users),
    node: drop(tables.nodes),
    "auth-key": drop(tables.authKeys),
    "api-key": drop(tables.apiKeys),
    "auth-request": drop(tables.authRequests),
    /** No policy is in force afterwards, so the earlier ones must not come back at the next start. */
    policy: prepare(compile, sql`delete from ${tables.policies} where tailnet = ${sql.placeholder("tailnet")}`),
  };
}
