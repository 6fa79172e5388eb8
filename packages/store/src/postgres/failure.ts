import type { DatabaseError } from "pg";
import { StoreError } from "#store-error.ts";

/** SQLSTATEs and classes. Source: PostgreSQL documentation, appendix "PostgreSQL Error Codes". */
const checkViolation = "23514";
const integrityClass = "23";
const retriable: readonly string[] = ["40001", "40P01"];
const dataClass = "22";

/** What PostgreSQL refuses, in the store's words. Its details quote rows and are left out, from the cause as well. */
export function postgresFailure(error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  const { code = "", message = String(error), constraint } = error as Partial<DatabaseError>;
  const cause = Object.assign(new Error(message), { code, ...(constraint !== undefined && { constraint }) });
  if (code === checkViolation && constraint === "revisions_in_step") {
    return new StoreError("stale-revision", "another change was first", { cause });
  }
  if (code.startsWith(integrityClass)) {
    const reason = "another row has this already, or a row that it refers to is gone";
    return new StoreError("conflict", `${reason} (${constraint ?? code})`, { cause });
  }
  if (retriable.includes(code)) return new StoreError("conflict", "another writer was in the way", { cause });
  if (code.startsWith(dataClass))
    return new StoreError("corrupt", `PostgreSQL cannot take a value (${code})`, { cause });
  return new StoreError("unavailable", `PostgreSQL fails: ${message}`, { cause });
}

/** Two transactions waited for each other; one was ended and may simply be run again. */
export function isRetriable(failure: StoreError): boolean {
  const { code } = (failure.cause ?? {}) as { code?: string };
  return failure.code === "conflict" && retriable.includes(code ?? "");
}
