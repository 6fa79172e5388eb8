import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, describe, expect, test } from "vitest";
import { OldDatabase } from "#testing/old-databases.ts";
import type { ImportError } from "../import-error.ts";
import { readSqlite, sqliteTables } from "./sqlite.ts";

const folder = mkdtempSync(join(tmpdir(), "headscale-import-"));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, ...statements: readonly string[]): string {
  const path = join(folder, name);
  using connection = new DatabaseSync(path) as DatabaseSync & Disposable;
  for (const statement of statements) connection.exec(statement);
  return path;
}

function refusalOf(path: string): string | undefined {
  try {
    readSqlite(path);
  } catch (error) {
    return (error as ImportError).code;
  }
  return undefined;
}

describe("readSqlite", () => {
  test("reads the tables that there are", () => {
    using database = new OldDatabase("0.22");
    database.insert("users", { id: 1, name: "alice" });
    const tables = readSqlite(database.path);
    expect([...tables.keys()].sort()).toEqual([
      "api_keys",
      "machines",
      "pre_auth_key_acl_tags",
      "pre_auth_keys",
      "routes",
      "users",
    ]);
    expect(tables.get("users")).toMatchObject([{ id: 1, name: "alice" }]);
  });

  test("refuses what is not there, not a database, not headscale's, and too old", () => {
    const notes = join(folder, "notes.txt");
    writeFileSync(notes, "milk, eggs".repeat(1000));
    const keys = ["create table api_keys (id integer)", "create table pre_auth_keys (id integer)"];
    expect(refusalOf(join(folder, "absent"))).toBe("unreadable");
    expect(refusalOf(notes)).toBe("unreadable");
    expect(refusalOf(file("other.db", "create table users (id integer)"))).toBe("not-headscale");
    const old = file("old.db", ...keys, "create table machines (id integer)", "create table namespaces (id integer)");
    expect(refusalOf(old)).toBe("too-old");
  });
});

describe("sqliteTables", () => {
  test("is empty for what is no database", () => {
    expect(sqliteTables(join(folder, "absent"))).toEqual([]);
    expect(sqliteTables(file("some.db", "create table some (id integer)"))).toEqual(["some"]);
  });
});
