import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Migration, readMigrations } from "#migrations.ts";
import { backupsOf } from "./backup.ts";
import { SqliteFile } from "./file.ts";
import { migrate } from "./migrate.ts";
import { openSqliteStore } from "./open.ts";

const ours = readMigrations(new URL("./migrations/", import.meta.url));
const following = (tag: string, ...statements: readonly string[]): Migration => ({
  id: ours.length + 1,
  tag,
  statements,
});

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sqlite-"));
  path = join(folder, "db.sqlite");
});
afterEach(() => rmSync(folder, { recursive: true }));

const open = (at = path) =>
  SqliteFile.open({
    path: at,
    writeAheadLog: true,
    walAutocheckpointPages: 1000,
    busyTimeoutMs: 5_000,
    readOnly: false,
  });

/** A database as this version leaves it, with one row in it. */
function writeOld(): void {
  using file = open();
  file.connection.exec("insert into tailnets values (1, 'default', null, 5)");
}

const pragma = (file: SqliteFile, name: string) =>
  Object.values(file.connection.prepare(`pragma ${name}`).get() ?? {})[0];
const mode = (at: string) => statSync(at).mode & 0o777;

describe("a database file", () => {
  test("is made with its folder, for its owner alone", async () => {
    const deep = join(folder, "a", "b", "db.sqlite");
    await using store = await openSqliteStore({ path: deep });
    await store.ping();
    expect(mode(join(folder, "a"))).toBe(0o700);
    const files = readdirSync(join(folder, "a", "b"));
    expect(files).toContain("db.sqlite-wal");
    expect(files.filter((name) => mode(join(folder, "a", "b", name)) !== 0o600)).toEqual([]);
  });

  test("waits for the disk at every commit and holds its rows to their references", () => {
    using file = open();
    expect(pragma(file, "journal_mode")).toBe("wal");
    expect(pragma(file, "synchronous")).toBe(2);
    expect(pragma(file, "foreign_keys")).toBe(1);
    expect(pragma(file, "wal_autocheckpoint")).toBe(1000);
  });

  test("does without the log where it is told to, for writers and readers", async () => {
    await using store = await openSqliteStore({ path, writeAheadLog: false });
    await store.writeBlob("a", new Uint8Array([1]));
    expect(await store.readBlob("a")).toEqual(new Uint8Array([1]));
    expect(existsSync(`${path}-wal`)).toBe(false);
  });

  test("in memory ends with its store", async () => {
    await using store = await openSqliteStore({ path: ":memory:" });
    await store.writeBlob("a", new Uint8Array([1]));
    expect(await store.readBlob("a")).toEqual(new Uint8Array([1]));
    expect(existsSync(":memory:")).toBe(false);
  });

  test("is one daemon's at a time", async () => {
    await using first = await openSqliteStore({ path });
    await expect(openSqliteStore({ path })).rejects.toMatchObject({
      code: "locked",
      message: `the database ${path} is in use by another headscale: stop that one first`,
    });
    await first.ping();
    await first[Symbol.asyncDispose]();
    await using second = await openSqliteStore({ path });
    await second.ping();
  });

  test("can be read by other programs meanwhile", async () => {
    await using store = await openSqliteStore({ path });
    await store.writeBlob("a", new Uint8Array([7]));
    using shell = new DatabaseSync(path, { readOnly: true });
    expect(shell.prepare("select hex(bytes) as hex from blobs").get()).toMatchObject({ hex: "07" });
  });

  test.for([
    { says: "no folder", make: () => writeFileSync(join(folder, "x"), ""), at: "x/db.sqlite", code: "unavailable" },
    { says: "a folder", make: () => {}, at: ".", code: "unavailable" },
    {
      says: "no database",
      make: () => writeFileSync(path, "# a text of some length ".repeat(99)),
      at: "db.sqlite",
      code: "corrupt",
    },
  ])("that is $says is refused in words that name it", async ({ make, at, code }) => {
    make();
    const named = join(folder, at);
    await expect(openSqliteStore({ path: named })).rejects.toMatchObject({
      code,
      message: expect.stringContaining(named.replace(/\/\.$/, "")),
    });
  });

  test("whose pages are damaged is refused as corrupt", async () => {
    writeOld();
    const bytes = readFileSync(path);
    bytes.fill(0xff, 4096, 60_000);
    writeFileSync(path, bytes);
    await expect(openSqliteStore({ path }).then((store) => store.load())).rejects.toMatchObject({ code: "corrupt" });
  });
});

describe("migrate", () => {
  test("keeps the rows, and a copy of what was there before", () => {
    writeOld();
    const next = following("9999_next", "alter table tailnets add column colour text not null default 'red'");
    using database = new DatabaseSync(path);
    migrate(database, path, [...ours, next], new Date("2026-01-02T03:04:05.678Z"));
    expect(database.prepare("select id, name, colour from tailnets").all()).toEqual([
      { id: 1, name: "default", colour: "red" },
    ]);
    const copy = `${path}.backup-${ours.length}-20260102T030405Z`;
    expect(backupsOf(path)).toEqual([copy]);
    expect(mode(copy)).toBe(0o600);
    using restored = open(copy);
    expect(restored.connection.prepare("select name from tailnets").all()).toEqual([{ name: "default" }]);
  });

  test("copies nothing when there is nothing to do, or nothing to lose", () => {
    writeOld();
    open()[Symbol.dispose]();
    expect(backupsOf(path)).toEqual([]);
  });

  test("keeps the newest five copies, and files that only look like some", () => {
    writeOld();
    const stranger = `${path}.backup-of-mine`;
    writeFileSync(stranger, "");
    using database = new DatabaseSync(path);
    for (let i = 0; i < 8; i++) {
      const next = { ...following(`999${i}_next`, `create table t${i} (a)`), id: ours.length + i + 1 };
      const soFar = Array.from({ length: i }, (_, j) => ({ ...next, id: ours.length + j + 1, tag: `999${j}_next` }));
      migrate(database, path, [...ours, ...soFar, next], new Date(Date.UTC(2026, 0, 1 + i)));
    }
    expect(backupsOf(path).map((name) => name.slice(-16, -8))).toEqual(
      ["04", "05", "06", "07", "08"].map((day) => `202601${day}`),
    );
    expect(existsSync(stranger)).toBe(true);
  });

  test.for([
    { says: "a statement fails", statements: ["create table half (a)", "create table half (a)"] },
    { says: "a row would lose what it refers to", statements: ["create table half (a)", "delete from tailnets"] },
  ])("changes nothing when $says", ({ statements }) => {
    writeOld();
    {
      using file = open();
      file.connection.exec("insert into users values (1, 1, 'u', '', '', '', '', '', 'owner', 5)");
    }
    using database = new DatabaseSync(path);
    expect(() => migrate(database, path, [...ours, following("9999_bad", ...statements)], new Date())).toThrow();
    database.close();
    using file = open();
    expect(file.connection.prepare("select count(*) as n from tailnets").get()).toEqual({ n: 1 });
    expect(() => file.connection.exec("select * from half")).toThrow(/no such table/);
  });

  test("leaves a database of a newer version alone", async () => {
    writeOld();
    {
      using database = new DatabaseSync(path);
      migrate(database, path, [...ours, following("9999_next", "create table later (a)")], new Date());
    }
    const before = readFileSync(path);
    await expect(openSqliteStore({ path })).rejects.toMatchObject({
      code: "newer-schema",
      message: expect.stringContaining(path),
    });
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  test("leaves a database of another program alone", async () => {
    {
      using database = new DatabaseSync(path);
      database.exec("create table migrations (id text); create table nodes (id integer)");
    }
    const before = readFileSync(path);
    await expect(openSqliteStore({ path })).rejects.toMatchObject({ code: "foreign-database" });
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  test("does not mind the tables of Litestream", async () => {
    {
      using database = new DatabaseSync(path);
      database.exec("create table _litestream_seq (id integer); create table _litestream_lock (id integer)");
    }
    chmodSync(path, 0o600);
    await using store = await openSqliteStore({ path });
    await store.ping();
  });
});
