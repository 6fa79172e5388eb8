import type { NodeId, Presence } from "@headscale/tailnet";
import { type Column, getTableColumns, sql } from "drizzle-orm";
import type { Statement } from "./database.ts";
import { presenceRow } from "./rows.ts";
import { type Dialect, encode, prepare, replacing } from "./tables.ts";

/** The statement that writes one node's presence, if the node still exists. */
export function presenceWriter({ tables, compile }: Dialect) {
  const { presence, nodes } = tables;
  const columns = Object.entries(getTableColumns(presence));
  const names = columns.map(([, column]) => sql.identifier(column.name));
  const cell = (key: string, column: Column) => {
    if (key === "nodeId") return sql`${nodes.id}`;
    if (key === "tailnet") return sql`${nodes.tailnet}`;
    return sql`cast(${sql.placeholder(key)} as ${sql.raw(column.getSQLType())})`;
  };
  const write = prepare(
    compile,
    sql`insert into ${presence} (${sql.join(names, sql`, `)})
      select ${sql.join(
        columns.map(([key, column]) => cell(key, column)),
        sql`, `,
      )} from ${nodes} where ${nodes.id} = ${sql.placeholder("nodeId")}
      on conflict (node_id) do update set ${replacing(presence, presence.nodeId)}`,
  );
  return (id: NodeId, value: Presence): Statement => write(encode(presence, { ...presenceRow(id, value) }));
}
