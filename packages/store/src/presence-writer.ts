import type { NodeId, Presence } from "@headscale/tailnet";
import { type Column, getTableColumns, type SQL, sql } from "drizzle-orm";
import type { PresenceMove } from "./contract.ts";
import type { Statement } from "./database.ts";
import { presenceRow } from "./rows.ts";
import { type Dialect, encode, prepare } from "./tables.ts";

/** Columns that belong to the daemon that the node is connected to, whoever writes the rest. */
const holders: ReadonlySet<string> = new Set(["replica", "connectedAt", "unresponsive"]);

/** The statement that writes one node's presence, if the node still exists. `self` names this daemon among its replicas. */
export function presenceWriter({ tables, compile }: Dialect, self: string) {
  const { presence, nodes } = tables;
  const columns = Object.entries(getTableColumns(presence));
  const names = columns.map(([, column]) => sql.identifier(column.name));
  const given = (key: string, type: string) => sql`cast(${sql.placeholder(key)} as ${sql.raw(type)})`;
  const cell = (key: string, column: Column) => {
    if (key === "nodeId") return sql`${nodes.id}`;
    if (key === "tailnet") return sql`${nodes.tailnet}`;
    return given(key, column.getSQLType());
  };
  const isMove = (move: PresenceMove) => sql`${given("move", "text")} = ${sql.raw(`'${move}'`)}`;
  const assign = ([key, column]: [string, Column]): SQL => {
    const name = sql.identifier(column.name);
    if (!holders.has(key)) return sql`${name} = excluded.${name}`;
    return sql`${name} = case when ${given("move", "text")} <> '' or ${presence.replica} = ${given("self", "text")}
      then excluded.${name} else ${presence}.${name} end`;
  };
  const write = prepare(
    compile,
    sql`insert into ${presence} (${sql.join(names, sql`, `)})
      select ${sql.join(
        columns.map(([key, column]) => cell(key, column)),
        sql`, `,
      )} from ${nodes} where ${nodes.id} = ${sql.placeholder("nodeId")}
      on conflict (node_id) do update set ${sql.join(
        columns.filter(([, column]) => column !== presence.nodeId).map(assign),
        sql`, `,
      )}
      where not (${isMove("left")}) or ${presence.replica} is null or ${presence.replica} = ${given("self", "text")}`,
  );
  return (id: NodeId, value: Presence, move: PresenceMove | undefined): Statement => {
    const row = { ...presenceRow(id, value), replica: self !== "" && value.online && move !== "left" ? self : null };
    return write({ ...encode(presence, row), move: move ?? "", self });
  };
}
