import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { GroupCommit } from "./group-commit.ts";
import type { Request } from "./messages.ts";

let database: DatabaseSync;
let group: GroupCommit;
beforeEach(() => {
  database = new DatabaseSync(":memory:");
  database.exec("create table t (n integer primary key, text text)");
  group = new GroupCommit(database);
});
afterEach(() => database.close());

const write = (id: number, ...rows: readonly (readonly [number, string])[]): Request => ({
  id,
  kind: "write",
  statements: rows.map((params) => ({ sql: "insert into t values (?, ?)", params })),
});
const read = (id: number, sql: string): Request => ({ id, kind: "read", statements: [{ sql, params: [] }] });
const numbers = () =>
  database
    .prepare("select n from t order by n")
    .all()
    .map(({ n }) => n);

describe("GroupCommit", () => {
  test("writes all that came together, and answers each by its id", () => {
    const answers = group.serve([write(7, [1, "a"]), write(8, [2, "b"], [3, "c"]), read(9, "select n, text from t")]);
    expect(answers).toEqual([
      { id: 7 },
      { id: 8 },
      {
        id: 9,
        rows: [
          [
            [1, "a"],
            [2, "b"],
            [3, "c"],
          ],
        ],
      },
    ]);
  });

  test("leaves out a write that fails half-way, and keeps those around it", () => {
    const answers = group.serve([write(1, [1, "a"]), write(2, [2, "b"], [1, "twice"]), write(3, [3, "c"])]);
    expect(answers.map(({ failure }) => failure?.code)).toEqual([undefined, "conflict", undefined]);
    expect(numbers()).toEqual([1, 3]);
  });

  test("fails a read by itself", () => {
    const answers = group.serve([read(1, "select nothing from nowhere"), write(2, [1, "a"])]);
    expect(answers.map(({ id, failure }) => [id, failure?.code])).toEqual([
      [2, undefined],
      [1, "unavailable"],
    ]);
    expect(database.isTransaction).toBe(false);
  });

  test("confirms nothing that is not there when the disk is full, and goes on when there is room again", () => {
    const { page_count: pages } = database.prepare("pragma page_count").get() as { page_count: number };
    database.exec(`pragma max_page_count = ${pages + 4}`);
    const requests = Array.from({ length: 12 }, (_, i) => write(i, [i, "x".repeat(3_000)]));
    const answers = group.serve(requests);
    const confirmed = answers.filter(({ failure }) => !failure).map(({ id }) => id);
    expect(confirmed).toEqual(numbers());
    expect(answers.find(({ failure }) => failure)?.failure).toMatchObject({
      code: "unavailable",
      message: expect.stringContaining("the disk is full"),
    });
    database.exec("pragma max_page_count = 1000");
    expect(group.serve([write(100, [100, "a"])])).toEqual([{ id: 100 }]);
  });

  test("keeps on when more kinds of statements come than it keeps prepared", () => {
    for (let i = 0; i < 700; i++) {
      expect(group.serve([read(i, `select ${i}`)])).toEqual([{ id: i, rows: [[[i]]] }]);
    }
    expect(group.serve([write(1, [1, "a"])])).toEqual([{ id: 1 }]);
  });
});
