/**
 * - `stale-revision`: another writer was first; read the changes since and decide again.
 * - `conflict`: a unique index or a reference refuses; like `stale-revision` where several daemons write.
 * - `unavailable`: the database cannot be reached or cannot write. After a commit the outcome may be unknown: the
 *   next commit is then refused as stale if this one did arrive.
 * - `locked`: another daemon uses the file.
 * - `newer-schema`: written by a newer version of this program.
 * - `foreign-database`: tables of another program are in it, such as those of headscale in Go.
 * - `history-gone`: the history no longer reaches back so far.
 * - `corrupt`: what is stored cannot be read.
 */
export type StoreErrorCode =
  | "stale-revision"
  | "conflict"
  | "unavailable"
  | "locked"
  | "newer-schema"
  | "foreign-database"
  | "history-gone"
  | "corrupt";

/** The message is a sentence for the person who runs the server; it never holds a stored value. */
export class StoreError extends Error {
  override readonly name = "StoreError";
  readonly code: StoreErrorCode;
  constructor(code: StoreErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
