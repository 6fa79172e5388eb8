export type ImportErrorCode = "unreadable" | "not-headscale" | "too-old" | "bad-row";

/** A database cannot be taken over. The message names the place, never a value: rows hold secrets. */
export class ImportError extends Error {
  override readonly name = "ImportError";
  readonly code: ImportErrorCode;

  constructor(code: ImportErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
