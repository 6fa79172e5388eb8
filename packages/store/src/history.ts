import type { Actor, Change, Subject, TailnetId } from "@headscale/tailnet";
import { and, asc, desc, eq, gt, gte, inArray, like, lt, lte, or, type SQL } from "drizzle-orm";
import { changeOf } from "./change-row.ts";
import { type Rows, type Select, selectFrom, type Tables } from "./tables.ts";

/** Which changes; all conditions must hold. Times in ms since the epoch, both inclusive. */
export interface HistoryQuery {
  /** Absent: of all tailnets. */
  readonly tailnet?: TailnetId | undefined;
  readonly subject?: Subject | undefined;
  readonly subjectId?: number | string | undefined;
  /** Kinds of change; one that ends with a hyphen stands for all that begin with it. Absent or empty: all. */
  readonly kinds?: readonly string[] | undefined;
  readonly actor?: Actor | undefined;
  readonly since?: number | undefined;
  readonly until?: number | undefined;
  /** Only what followed this revision of `tailnet`. */
  readonly afterRevision?: number | undefined;
  /** `newest-first` when absent. */
  readonly order?: "newest-first" | "oldest-first" | undefined;
  /** `next` of the page before; for the same query only. */
  readonly cursor?: string | undefined;
  /** 1 or more, 100 when absent. */
  readonly limit?: number | undefined;
}

export interface HistoryPage {
  readonly changes: readonly Change[];
  /** Where the next page begins; absent on the last one. */
  readonly next?: string;
}

const defaultLimit = 100;

/** One page of the history as a question to the database; it asks for one row more, to know whether more follow. */
export class HistoryRequest {
  readonly select: Select<Rows["changes"]>;
  readonly #limit: number;
  readonly #order: "seq" | "revision";

  /** @throws {RangeError} for a limit, cursor or `afterRevision` that makes no sense. */
  constructor(tables: Tables, query: HistoryQuery) {
    const { limit = defaultLimit } = query;
    if (!Number.isInteger(limit) || limit < 1) throw new RangeError("limit: not a positive number");
    if (query.afterRevision !== undefined && query.tailnet === undefined) {
      throw new RangeError("afterRevision: every tailnet counts by itself, name one");
    }
    this.#limit = limit;
    // Within a tailnet the two orders agree, and the index on revisions serves.
    this.#order = query.tailnet === undefined ? "seq" : "revision";
    const { changes } = tables;
    const column = changes[this.#order];
    const newestFirst = query.order !== "oldest-first";
    const cursor = query.cursor === undefined ? undefined : parseCursor(query.cursor);
    this.select = selectFrom(tables, "changes", {
      where: and(
        ...conditions(changes, query),
        cursor === undefined ? undefined : newestFirst ? lt(column, cursor) : gt(column, cursor),
      ),
      orderBy: newestFirst ? desc(column) : asc(column),
      limit: this.#limit + 1,
    });
  }

  page(rows: readonly Rows["changes"][]): HistoryPage {
    const shown = rows.slice(0, this.#limit);
    const last = shown.at(-1);
    const changes = shown.map(changeOf);
    return rows.length > shown.length && last ? { changes, next: String(last[this.#order]) } : { changes };
  }
}

/** @throws {RangeError} */
function parseCursor(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new RangeError("cursor: not one that a page gave");
  return Number(text);
}

function conditions(changes: Tables["changes"], query: HistoryQuery): (SQL | undefined)[] {
  const given = <T>(value: T | undefined, condition: (value: T) => SQL) =>
    value === undefined ? undefined : condition(value);
  return [
    given(query.tailnet, (tailnet) => eq(changes.tailnet, tailnet)),
    given(query.subject, (subject) => eq(changes.subject, subject)),
    given(query.subjectId, (id) => eq(changes.subjectId, String(id))),
    given(query.actor, (actor) => eq(changes.actor, actor)),
    given(query.since, (since) => gte(changes.at, since)),
    given(query.until, (until) => lte(changes.at, until)),
    given(query.afterRevision, (revision) => gt(changes.revision, revision)),
    kindCondition(changes, query.kinds ?? []),
  ];
}

function kindCondition(changes: Tables["changes"], kinds: readonly string[]): SQL | undefined {
  if (kinds.length === 0) return undefined;
  const whole = kinds.filter((kind) => !kind.endsWith("-"));
  const beginnings = kinds.filter((kind) => kind.endsWith("-"));
  return or(
    whole.length > 0 ? inArray(changes.kind, whole) : undefined,
    ...beginnings.map((beginning) => like(changes.kind, `${beginning.replace(/[%_\\]/g, "")}%`)),
  );
}
