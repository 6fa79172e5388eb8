import type { Cell, Cells } from "#database/source.ts";
import { ImportError } from "../import-error.ts";
import { momentOf } from "./moment.ts";

/** One row of a table of any version: a column that is not there reads like one that is empty. */
export class Row {
  readonly #table: string;
  readonly #cells: Cells;
  readonly id: number;

  /** @throws {ImportError} "bad-row" without a usable id */
  constructor(table: string, cells: Cells) {
    this.#table = table;
    this.#cells = cells;
    const id = Number(cells.id);
    if (!Number.isSafeInteger(id) || id <= 0) throw new ImportError("bad-row", `a row of ${table} has no usable id`);
    this.id = id;
  }

  /** The text, of the first of these columns that is not empty; empty when all are. */
  text(...columns: readonly string[]): string {
    for (const column of columns) {
      const value = this.#cells[column] ?? "";
      const text = value instanceof Uint8Array ? Buffer.from(value).toString("utf8") : String(value);
      if (text !== "") return text;
    }
    return "";
  }

  flag(column: string): boolean {
    const value = this.#cells[column] ?? null;
    return this.#reading(column, () => {
      if (value === null || value === false || value === "" || Number(value) === 0 || value === "false") return false;
      if (value === true || Number(value) === 1 || value === "true") return true;
      throw new TypeError("not a truth value");
    });
  }

  /** Id of a row elsewhere; old versions wrote 0 for none. */
  reference(...columns: readonly string[]): number | undefined {
    for (const column of columns) {
      const id = Number(this.#cells[column] ?? 0);
      if (Number.isSafeInteger(id) && id > 0) return id;
    }
    return undefined;
  }

  /** ms since the epoch. */
  moment(column: string): number | undefined {
    const value: Cell = this.#cells[column] ?? null;
    if (value === null || value === "") return undefined;
    return this.#reading(column, () =>
      momentOf(typeof value === "number" ? value : value instanceof Date ? value : String(value)),
    );
  }

  /** A list in JSON; NULL, empty text and `null` are the empty list. */
  list(...columns: readonly string[]): readonly string[] {
    const text = this.text(...columns);
    return this.#reading(columns.join(" or "), () => {
      const value: unknown = text === "" ? [] : (JSON.parse(text) ?? []);
      if (!Array.isArray(value) || !value.every((entry) => typeof entry === "string"))
        throw new TypeError("not a list");
      return value;
    });
  }

  /** A document in JSON, undefined when empty. */
  json(column: string): unknown {
    const text = this.text(column);
    return this.#reading(column, () => (text === "" ? undefined : (JSON.parse(text) ?? undefined)));
  }

  /** @throws {ImportError} "bad-row", naming row and column */
  parse<T>(column: string, parse: (text: string) => T): T {
    const text = this.text(column);
    return this.#reading(column, () => parse(text));
  }

  #reading<T>(column: string, read: () => T): T {
    try {
      return read();
    } catch (cause) {
      throw new ImportError("bad-row", `row ${this.id} of ${this.#table}: ${column} cannot be read`, { cause });
    }
  }
}

/** The rows that were not deleted: old versions only marked them. @throws {ImportError} "bad-row" */
export function rowsOf(table: string, rows: readonly Cells[] | undefined): readonly Row[] {
  return (rows ?? []).map((cells) => new Row(table, cells)).filter((row) => row.text("deleted_at") === "");
}
