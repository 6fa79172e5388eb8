import type { Cells, Statement } from "#database.ts";
import type { StoreErrorCode } from "#store-error.ts";

// What the main thread and a database thread say to each other.

export interface Request {
  readonly id: number;
  readonly kind: "read" | "write";
  readonly statements: readonly Statement[];
}

export type Reply =
  | { readonly kind: "opened" }
  | { readonly kind: "failed"; readonly failure: Failure }
  | { readonly kind: "done"; readonly answers: readonly Answer[] };

export interface Answer {
  readonly id: number;
  /** Rows of each statement, for reads. */
  readonly rows?: readonly (readonly Cells[])[];
  readonly failure?: Failure;
}

export interface Failure {
  readonly code: StoreErrorCode;
  readonly message: string;
}

/** A request that asks the thread to close the file and end. */
export const closeRequest = "close";
