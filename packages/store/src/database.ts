import type { SQL } from "drizzle-orm";
import type { Tables } from "./tables.ts";

/** One statement with its parameters, in the words of one database. */
export interface Statement {
  readonly sql: string;
  readonly params: readonly unknown[];
}

/** A row as the database gives it: its values in the order of the columns asked for. */
export type Cells = readonly unknown[];

/**
 * The seam between what the store says and the database it says it to. Failures are `StoreError`s: a failed check
 * `revisions_in_step` is "stale-revision", a unique index or reference "conflict".
 */
export interface Database extends AsyncDisposable {
  readonly tables: Tables;
  readonly compile: (query: SQL) => Statement;
  /** The rows of each statement, all from one snapshot. */
  read(statements: readonly Statement[]): Promise<readonly (readonly Cells[])[]>;
  /** One transaction, durable when it resolves. Transactions take effect in the order of the calls. */
  write(statements: readonly Statement[]): Promise<void>;
  /** Goes into the transaction of each commit and tells other daemons. */
  readonly announcement: readonly Statement[];
  onCommitElsewhere(listener: () => void): Disposable;
  /** Goes into a transaction that writes presence of these nodes. */
  presenceAnnouncement(ids: readonly number[]): readonly Statement[];
}
