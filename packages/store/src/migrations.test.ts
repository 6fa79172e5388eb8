import { describe, expect, test } from "vitest";
import { type Migration, pendingMigrations, readMigrations } from "./migrations.ts";

const known: readonly Migration[] = ["0000_a", "0001_b", "0002_c"].map((tag, i) => ({
  id: i + 1,
  tag,
  statements: [`-- ${tag}`],
}));
const applied = (...tags: readonly string[]) => tags.map((tag, i) => ({ id: i + 1, tag }));

describe("pendingMigrations", () => {
  test.for([
    { says: "all of them for an empty database", found: { applied: undefined, tables: [] }, pending: [1, 2, 3] },
    { says: "those that follow", found: { applied: applied("0000_a"), tables: ["nodes"] }, pending: [2, 3] },
    {
      says: "none when all are there",
      found: { applied: applied("0000_a", "0001_b", "0002_c"), tables: [] },
      pending: [],
    },
  ])("are $says", ({ found, pending }) => {
    expect(pendingMigrations(known, found, "db").map(({ id }) => id)).toEqual(pending);
  });

  test.for([
    {
      says: "a database from a newer version",
      found: { applied: applied("0000_a", "0001_b", "0002_c", "0003_d"), tables: [] },
      code: "newer-schema",
      message: /^db was written by a newer version: its schema is version 4, this program knows 3/,
    },
    {
      says: "a database of another branch",
      found: { applied: applied("0000_a", "0001_x"), tables: [] },
      code: "foreign-database",
      message: /0001_x/,
    },
    {
      says: "headscale's own in Go",
      found: {
        applied: undefined,
        tables: ["api_keys", "database_versions", "migrations", "nodes", "policies", "users"],
      },
      code: "foreign-database",
      message: /^db holds tables of another program: api_keys, database_versions, migrations, nodes, …$/,
    },
  ])("refuses $says", ({ found, code, message }) => {
    expect(() => pendingMigrations(known, found, "db")).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(message) }),
    );
  });
});

test.for(["sqlite", "postgres"])("readMigrations reads those of %s in order, none of them empty", (database) => {
  const migrations = readMigrations(new URL(`./${database}/migrations/`, import.meta.url));
  expect(migrations.map(({ id }) => id)).toEqual(migrations.map((_, i) => i + 1));
  expect(migrations.flatMap(({ statements }) => statements).filter((sql) => !/\w/.test(sql))).toEqual([]);
  expect(migrations.length).toBeGreaterThan(0);
});
