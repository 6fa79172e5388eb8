import { parsePrefix } from "@headscale/netip";
import type { NodeId, TailnetId } from "@headscale/tailnet";
import { inArray, sql } from "drizzle-orm";
import type { Leases, PrimaryClaim, PrimaryRouter, ReplicaNews, Replicas, SharedPresence } from "#replicas.ts";
import { sharedPresenceOf } from "#rows.ts";
import { selectFrom } from "#tables.ts";
import type { PostgresDatabase } from "./postgres-database.ts";
import * as tables from "./schema.ts";

const now = sql`(extract(epoch from clock_timestamp()) * 1000)::bigint`;
/** The payload that says that primaries changed; presence is a list of ids. */
const primariesNews = "primaries";

/** Leases, presence and route roles of the daemons that share a PostgreSQL database. */
export class PostgresReplicas implements Replicas {
  readonly #database: PostgresDatabase;
  #renewed = false;

  constructor(database: PostgresDatabase) {
    this.#database = database;
  }

  get self(): string {
    return this.#database.self;
  }

  async renew(ms: number): Promise<Leases> {
    const { replicas, presence } = tables;
    const { compile } = this.#database;
    const [rows = []] = await this.#database.read([
      compile(sql`select ${replicas.id}, ${replicas.expiresAt} > ${now} from ${replicas}`),
    ]);
    const running = new Set(rows.filter(([, runs]) => runs === true).map(([id]) => String(id)));
    const lapsed = this.#renewed && !running.has(this.self);
    await this.#database.write([
      compile(sql`insert into ${replicas} (id, expires_at) values (${this.self}, ${now} + ${ms}::bigint)
        on conflict (id) do update set expires_at = excluded.expires_at`),
      ...(rows.length === running.size
        ? []
        : [
            compile(sql`update ${presence}
              set replica = null, connected_at = null, unresponsive = false, last_seen = ${replicas.expiresAt}
              from ${replicas} where ${presence.replica} = ${replicas.id} and ${replicas.expiresAt} <= ${now}`),
            compile(sql`delete from ${replicas} where ${replicas.expiresAt} <= ${now}`),
          ]),
    ]);
    this.#renewed = true;
    return { running: running.add(this.self), lapsed };
  }

  async presence(ids?: readonly NodeId[]): Promise<ReadonlyMap<NodeId, SharedPresence>> {
    if (ids?.length === 0) return new Map();
    const where = ids && inArray(tables.presence.nodeId, [...ids]);
    const { query, decode } = selectFrom(this.#database.tables, "presence", { where });
    const [rows = []] = await this.#database.read([this.#database.compile(query)]);
    return new Map(rows.map(decode).map(sharedPresenceOf));
  }

  async primaries(): Promise<readonly PrimaryRouter[]> {
    const { query, decode } = selectFrom(this.#database.tables, "primaries");
    const [rows = []] = await this.#database.read([this.#database.compile(query)]);
    return rows.map(decode).map(({ tailnet, prefix, nodeId }) => ({
      tailnet: tailnet as TailnetId,
      prefix: parsePrefix(prefix),
      node: (nodeId ?? undefined) as NodeId | undefined,
    }));
  }

  async claim(claims: readonly PrimaryClaim[]): Promise<void> {
    if (claims.length === 0) return;
    const { primaries, nodes } = tables;
    const { compile } = this.#database;
    const id = (node: NodeId | undefined) => sql`cast(${node ?? null} as bigint)`;
    // Always in the same order, so that two daemons never wait for each other.
    const ordered = [...claims].sort((a, b) => a.tailnet - b.tailnet || (a.prefix < b.prefix ? -1 : 1));
    const writes = ordered.map(({ tailnet, prefix, node, seen }) =>
      compile(sql`insert into ${primaries} (tailnet, prefix, node_id)
        select ${tailnet}::bigint, ${prefix}::text, ${id(node)}
        where ${id(node)} is null or exists (select 1 from ${nodes} where id = ${id(node)})
        on conflict (tailnet, prefix) do update set node_id = excluded.node_id
        where ${primaries.nodeId} is not distinct from ${id(seen)}`),
    );
    await this.#database.write([...writes, this.#database.announceToReplicas(primariesNews)]);
  }

  onNews(listener: (news: ReplicaNews) => void): Disposable {
    return this.#database.onReplicaNews((payload) => {
      if (payload === undefined) listener(undefined);
      else if (payload === primariesNews) listener({ primaries: true });
      else listener({ presenceOf: payload.split(",").map((id) => Number(id) as NodeId) });
    });
  }
}
