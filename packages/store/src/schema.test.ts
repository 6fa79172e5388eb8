import { DatabaseSync } from "node:sqlite";
import { getTableColumns, getTableName, type Table } from "drizzle-orm";
import { describe, expect, test } from "vitest";
import { readMigrations } from "./migrations.ts";
import * as postgres from "./postgres/schema.ts";
import * as sqlite from "./sqlite/schema.ts";

const twins = new Map<string, Table>(Object.entries(postgres));
const tables = Object.entries(sqlite).map(([name, table]) => ({ name, table, twin: twins.get(name) }));

function shapeOf(table: Table) {
  return Object.entries(getTableColumns(table)).map(([key, { name, notNull }]) => ({ key, name, notNull }));
}

describe("the schemas", () => {
  test("have the same tables", () => {
    expect([...twins.keys()]).toEqual(tables.map(({ name }) => name));
  });

  test.for(tables)("are the same for $name", ({ table, twin }) => {
    expect(twin && getTableName(twin)).toBe(getTableName(table));
    expect(twin && shapeOf(twin)).toEqual(shapeOf(table));
  });

  test.for(tables)("are what the migrations make of $name", ({ table }) => {
    using database = new DatabaseSync(":memory:");
    const migrations = readMigrations(new URL("./sqlite/migrations/", import.meta.url));
    for (const statement of migrations.flatMap(({ statements }) => statements)) database.exec(statement);
    const made = database.prepare(`select name, "notnull" from pragma_table_info(?)`).all(getTableName(table));
    expect(made.map((column) => ({ name: column.name, notNull: column.notnull === 1 }))).toEqual(
      shapeOf(table).map(({ name, notNull }) => ({ name, notNull })),
    );
  });
});
