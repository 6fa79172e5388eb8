import type {
  ApiKeyId,
  Change,
  NodeId,
  PolicyId,
  PolicyRevision,
  Presence,
  Sequences,
  TailnetId,
} from "@headscale/tailnet";
import { and, asc, desc, eq, gt, lt, or, type SQL, sql } from "drizzle-orm";
import { changeOf } from "./change-row.ts";
import { ChangeWriter } from "./change-writer.ts";
import type { HistoryLimits, PolicySummary, PresenceMove, Store, StoredState } from "./contract.ts";
import type { Database } from "./database.ts";
import { type HistoryPage, type HistoryQuery, HistoryRequest } from "./history.ts";
import { presenceWriter } from "./presence-writer.ts";
import type { Replicas } from "./replicas.ts";
import * as rows from "./rows.ts";
import { StoreError } from "./store-error.ts";
import { type Rows, type Select, selectFrom, upsertInto } from "./tables.ts";

/** Rows of presence in one transaction: few enough that a commit behind it hardly waits. */
const presenceRowsAtOnce = 500;
/** Tailnets in one condition; SQLite nests at most 1000 terms. */
const tailnetsAtOnce = 300;
/** Rows of history that are forgotten in one transaction. */
const forgottenAtOnce = 5_000;

type Answers<S extends readonly Select<unknown>[]> = {
  readonly [K in keyof S]: S[K] extends Select<infer Row> ? readonly Row[] : never;
};

/** The store over either database. */
export class SqlStore implements Store {
  readonly #database: Database;
  readonly #changes: ChangeWriter;
  readonly #presence: ReturnType<typeof presenceWriter>;
  readonly replicas: Replicas | undefined;

  constructor(database: Database, replicas?: Replicas) {
    this.#database = database;
    this.replicas = replicas;
    this.#changes = new ChangeWriter(database);
    this.#presence = presenceWriter(database, replicas?.self ?? "");
  }

  async #read<const S extends readonly Select<unknown>[]>(...selects: S): Promise<Answers<S>> {
    const answers = await this.#database.read(selects.map(({ query }) => this.#database.compile(query)));
    return selects.map(({ decode }, i) => (answers[i] ?? []).map(decode)) as unknown as Answers<S>;
  }

  async #write(...queries: readonly SQL[]): Promise<void> {
    await this.#database.write(queries.map((query) => this.#database.compile(query)));
  }

  async load(): Promise<StoredState> {
    const { tables } = this.#database;
    const newest = sql`select max(id) from ${tables.policies} group by tailnet`;
    const [tailnets, users, nodes, authKeys, apiKeys, authRequests, policies, revisions, sequences, presence] =
      await this.#read(
        selectFrom(tables, "tailnets"),
        selectFrom(tables, "users"),
        selectFrom(tables, "nodes"),
        selectFrom(tables, "authKeys"),
        selectFrom(tables, "apiKeys"),
        selectFrom(tables, "authRequests"),
        selectFrom(tables, "policies", { where: sql`${tables.policies.id} in (${newest})` }),
        selectFrom(tables, "revisions"),
        selectFrom(tables, "sequences"),
        selectFrom(tables, "presence"),
      );
    return {
      tailnets: tailnets.map(rows.tailnetOf),
      users: users.map(rows.userOf),
      nodes: nodes.map(rows.nodeOf),
      authKeys: authKeys.map(rows.authKeyOf),
      apiKeys: apiKeys.map(rows.apiKeyOf),
      authRequests: authRequests.map(rows.authRequestOf),
      policies: policies.map(rows.policyOf),
      revisions: revisions.map(({ tailnet, revision }) => [tailnet as TailnetId, revision] as const),
      sequences: sequencesOf(sequences),
      presence: new Map(presence.map(rows.presenceOf)),
    };
  }

  async commit(changes: readonly Change[]): Promise<void> {
    if (changes.length === 0) return;
    await this.#database.write([...this.#changes.statementsFor(changes), ...this.#database.announcement]);
    this.#changes.committed(changes);
  }

  async changesSince(known: ReadonlyMap<TailnetId, number>): Promise<readonly Change[]> {
    const { tables } = this.#database;
    const { changes } = tables;
    const [newest] = await this.#read(selectFrom(tables, "revisions"));
    const behind = newest.filter(({ tailnet, revision }) => revision > (known.get(tailnet as TailnetId) ?? 0));
    const selects: Select<Rows["changes"]>[] = [];
    for (let start = 0; start < behind.length; start += tailnetsAtOnce) {
      const some = behind.slice(start, start + tailnetsAtOnce);
      const missing = some.map(({ tailnet }) =>
        and(eq(changes.tailnet, tailnet), gt(changes.revision, known.get(tailnet as TailnetId) ?? 0)),
      );
      selects.push(selectFrom(tables, "changes", { where: or(...missing) }));
    }
    const found = (await this.#read(...selects)).flat().sort((a, b) => a.seq - b.seq);
    const list = found.map(changeOf);
    for (const { tailnet } of behind) assertReachesBack(list, tailnet, known.get(tailnet as TailnetId) ?? 0);
    return list;
  }

  async history(query: HistoryQuery): Promise<HistoryPage> {
    const { tables } = this.#database;
    const request = new HistoryRequest(tables, query);
    if (query.afterRevision === undefined || query.tailnet === undefined) {
      const [found] = await this.#read(request.select);
      return request.page(found);
    }
    const [found, oldest, newest] = await this.#read(
      request.select,
      selectFrom(tables, "changes", {
        where: eq(tables.changes.tailnet, query.tailnet),
        orderBy: asc(tables.changes.revision),
        limit: 1,
      }),
      selectFrom(tables, "revisions", { where: eq(tables.revisions.tailnet, query.tailnet) }),
    );
    const following = query.afterRevision + 1;
    const exists = (newest[0]?.revision ?? 0) >= following;
    if (exists && (oldest[0]?.revision ?? Number.POSITIVE_INFINITY) > following) throw historyGone();
    return request.page(found);
  }

  async forgetHistory({ before, keep }: HistoryLimits): Promise<boolean> {
    const { tables } = this.#database;
    const { changes } = tables;
    const surplus = keep === undefined ? undefined : sql`${changes.seq} <= (select max(seq) from ${changes}) - ${keep}`;
    const past = or(before === undefined ? undefined : lt(changes.at, before), surplus);
    if (!past) return false;
    const columns = ["seq"] as const;
    const [found] = await this.#read(
      selectFrom(tables, "changes", { columns, where: past, orderBy: asc(changes.seq), limit: forgottenAtOnce }),
    );
    const last = found.at(-1);
    if (!last) return false;
    await this.#write(sql`delete from ${changes} where ${changes.seq} <= ${last.seq} and ${past}`);
    return found.length === forgottenAtOnce;
  }

  async writeKeyUses(uses: ReadonlyMap<ApiKeyId, number>): Promise<void> {
    const { apiKeys, apiKeyUses } = this.#database.tables;
    const whole = (value: number) => sql`cast(${value} as bigint)`;
    const writes = [...uses].map(
      ([id, at]) => sql`insert into ${apiKeyUses} (api_key_id, last_seen)
        select id, ${whole(at)} from ${apiKeys} where id = ${id}
        on conflict (api_key_id) do update set last_seen = excluded.last_seen
        where ${apiKeyUses.lastSeen} < excluded.last_seen`,
    );
    if (writes.length > 0) await this.#write(...writes);
  }

  async keyUses(): Promise<ReadonlyMap<ApiKeyId, number>> {
    const [found] = await this.#read(selectFrom(this.#database.tables, "apiKeyUses"));
    return new Map(found.map(({ apiKeyId, lastSeen }) => [apiKeyId as ApiKeyId, lastSeen]));
  }

  async policyHistory(tailnet: TailnetId): Promise<readonly PolicySummary[]> {
    const { tables } = this.#database;
    const [found] = await this.#read(
      selectFrom(tables, "policies", {
        columns: ["id", "tailnet", "createdAt", "actor", "sha256", "sizeBytes"],
        where: eq(tables.policies.tailnet, tailnet),
        orderBy: desc(tables.policies.id),
      }),
    );
    return found.map(rows.policySummaryOf);
  }

  async policyRevision(tailnet: TailnetId, id: PolicyId): Promise<PolicyRevision | undefined> {
    const { tables } = this.#database;
    const where = and(eq(tables.policies.tailnet, tailnet), eq(tables.policies.id, id));
    const [found] = await this.#read(selectFrom(tables, "policies", { where }));
    return found[0] && rows.policyOf(found[0]);
  }

  async writePresence(
    presence: ReadonlyMap<NodeId, Presence>,
    moves: ReadonlyMap<NodeId, PresenceMove> = new Map(),
  ): Promise<void> {
    // Always in the same order, so that two daemons never wait for each other.
    const rows = [...presence].sort(([a], [b]) => a - b);
    for (let start = 0; start < rows.length; start += presenceRowsAtOnce) {
      const some = rows.slice(start, start + presenceRowsAtOnce);
      const statements = some.map(([id, value]) => this.#presence(id, value, moves.get(id)));
      await this.#database.write([...statements, ...this.#database.presenceAnnouncement(some.map(([id]) => id))]);
    }
  }

  async readBlob(name: string): Promise<Uint8Array | undefined> {
    const { tables } = this.#database;
    const [found] = await this.#read(selectFrom(tables, "blobs", { where: eq(tables.blobs.name, checkedName(name)) }));
    return found[0]?.bytes;
  }

  async writeBlob(name: string, bytes: Uint8Array): Promise<void> {
    const { tables } = this.#database;
    const put = upsertInto(this.#database, "blobs", tables.blobs.name);
    await this.#database.write([put({ name: checkedName(name), bytes, updatedAt: Date.now() })]);
  }

  async agreeOnBlob(name: string, bytes: Uint8Array): Promise<Uint8Array> {
    const { blobs } = this.#database.tables;
    await this.#write(
      sql`insert into ${blobs} (name, bytes, updated_at) values (${checkedName(name)}, ${bytes}, ${Date.now()})
        on conflict (name) do nothing`,
    );
    return (await this.readBlob(name)) ?? bytes;
  }

  async exchangeBlob(name: string, expected: Uint8Array, bytes: Uint8Array): Promise<Uint8Array | undefined> {
    const { blobs } = this.#database.tables;
    await this.#write(
      sql`update ${blobs} set bytes = ${bytes}, updated_at = ${Date.now()}
        where ${blobs.name} = ${checkedName(name)} and ${blobs.bytes} = ${expected}`,
    );
    return this.readBlob(name);
  }

  async deleteBlob(name: string): Promise<void> {
    const { blobs } = this.#database.tables;
    await this.#write(sql`delete from ${blobs} where ${blobs.name} = ${checkedName(name)}`);
  }

  async ping(): Promise<void> {
    await this.#write(sql`select 1`);
  }

  onCommitElsewhere(listener: () => void): Disposable {
    return this.#database.onCommitElsewhere(listener);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#database[Symbol.asyncDispose]();
  }
}

function sequencesOf(stored: readonly { readonly subject: string; readonly next: number }[]): Sequences {
  const next = new Map(stored.map(({ subject, next }) => [subject, next]));
  const of = (subject: keyof Sequences) => next.get(subject) ?? 1;
  return {
    tailnet: of("tailnet"),
    user: of("user"),
    node: of("node"),
    "auth-key": of("auth-key"),
    "api-key": of("api-key"),
    policy: of("policy"),
  };
}

/** Revisions have no gaps, so the first one after `known` tells. @throws {StoreError} "history-gone" */
function assertReachesBack(list: readonly Change[], tailnet: number, known: number): void {
  if (list.find((change) => change.tailnet === tailnet)?.revision !== known + 1) throw historyGone();
}

function historyGone(): StoreError {
  return new StoreError("history-gone", "the history no longer reaches back that far: read the present state");
}

/** @throws {RangeError} */
function checkedName(name: string): string {
  if (!/^[\w./-]{1,200}$/.test(name)) throw new RangeError("blob name: use up to 200 of letters, digits and . _ - /");
  return name;
}
