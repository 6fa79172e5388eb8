export type EdgeErrorCode =
  | "bad-address"
  | "address-in-use"
  | "address-forbidden"
  | "address-unavailable"
  | "not-a-socket"
  | "listen-failed"
  | "bad-certificate"
  | "bad-prefix";

/** The listener cannot do what the configuration asks. The message is a sentence for the operator. */
export class EdgeError extends Error {
  override readonly name = "EdgeError";
  readonly code: EdgeErrorCode;
  constructor(code: EdgeErrorCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}
