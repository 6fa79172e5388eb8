import { type Column, getTableColumns, type Placeholder, type SQL, sql, type Table } from "drizzle-orm";
import type { Cells, Database, Statement } from "./database.ts";
import type * as schema from "./sqlite/schema.ts";

type Schema = typeof schema;
export type TableName = keyof Schema;
/** The rows of each table; both databases have the same. */
export type Rows = { readonly [T in TableName]: Schema[T]["$inferSelect"] };
export type Tables = { readonly [T in TableName]: Table & { readonly [C in keyof Rows[T]]: Column } };

/** How one database names its tables and writes its statements. */
export type Dialect = Pick<Database, "tables" | "compile">;
type Values = Readonly<Record<string, unknown>>;

/** A statement compiled once; its `sql.placeholder`s are filled by name. */
export function prepare(compile: Dialect["compile"], query: SQL): (values: Values) => Statement {
  const compiled = compile(query);
  const names = compiled.params.map((param) => (param as Placeholder).name);
  return (values) => ({ sql: compiled.sql, params: names.map((name) => values[name] ?? null) });
}

/** The row's values as the database takes them. */
export function encode(table: Table, row: Values): Values {
  const columns = Object.entries(getTableColumns(table));
  return Object.fromEntries(columns.map(([key, column]) => [key, encodeCell(column, row[key])]));
}

function encodeCell(column: Column, value: unknown): unknown {
  return value === undefined || value === null ? null : column.mapToDriverValue(value);
}

const nameOf = (column: Column) => sql.identifier(column.name);
const list = (chunks: readonly SQL[]) => sql.join([...chunks], sql`, `);

/** `INSERT` of whole rows; a column left out of the row's type (`without`) is the database's to fill. */
export function insertInto<T extends TableName, W extends keyof Rows[T]>(
  { tables, compile }: Dialect,
  name: T,
  without: W,
): (row: Omit<Rows[T], W>) => Statement {
  const table = tables[name];
  const columns = Object.entries(getTableColumns(table)).filter(([key]) => key !== without);
  const names = columns.map(([, column]) => sql`${nameOf(column)}`);
  const values = columns.map(([key]) => sql`${sql.placeholder(key)}`);
  const filled = prepare(compile, sql`insert into ${table} (${list(names)}) values (${list(values)})`);
  return (row) => filled(encode(table, row as Values));
}

/** `INSERT` of whole rows that replaces the row of the same `key`. */
export function upsertInto<T extends TableName>(
  { tables, compile }: Dialect,
  name: T,
  key: Column,
): (row: Rows[T]) => Statement {
  const table = tables[name];
  const columns = Object.entries(getTableColumns(table));
  const names = columns.map(([, column]) => sql`${nameOf(column)}`);
  const values = columns.map(([name]) => sql`${sql.placeholder(name)}`);
  const query = sql`insert into ${table} (${list(names)}) values (${list(values)})
    on conflict (${nameOf(key)}) do update set ${replacing(table, key)}`;
  const filled = prepare(compile, query);
  return (row) => filled(encode(table, row as Values));
}

/** `column = excluded.column` for all but the key. */
export function replacing(table: Table, key: Column): SQL {
  const columns = Object.values(getTableColumns(table)).filter((column) => column !== key);
  return list(columns.map((column) => sql`${nameOf(column)} = excluded.${nameOf(column)}`));
}

/** A question for rows of one table, and how its answer is read. */
export interface Select<Row> {
  readonly query: SQL;
  decode(cells: Cells): Row;
}

export interface Clauses<C> {
  /** Only these columns; all when absent. */
  readonly columns?: readonly C[];
  readonly where?: SQL | undefined;
  readonly orderBy?: SQL;
  readonly limit?: number;
}

export function selectFrom<T extends TableName, C extends keyof Rows[T] = keyof Rows[T]>(
  tables: Tables,
  name: T,
  { columns: wanted, where, orderBy, limit }: Clauses<C> = {},
): Select<Pick<Rows[T], C>> {
  const table = tables[name];
  const columns = Object.entries(getTableColumns(table)).filter(([key]) => wanted?.includes(key as never) ?? true);
  const parts = [sql`select ${list(columns.map(([, column]) => sql`${column}`))} from ${table}`];
  if (where) parts.push(sql`where ${where}`);
  if (orderBy) parts.push(sql`order by ${orderBy}`);
  if (limit !== undefined) parts.push(sql`limit ${limit}`);
  return {
    query: sql.join(parts, sql` `),
    decode: (cells) =>
      Object.fromEntries(columns.map(([key, column], i) => [key, decodeCell(column, cells[i])])) as Pick<Rows[T], C>,
  };
}

function decodeCell(column: Column, cell: unknown): unknown {
  return cell === null || cell === undefined ? null : column.mapFromDriverValue(cell);
}
