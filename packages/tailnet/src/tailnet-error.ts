export type TailnetErrorCode =
  | "tailnet-not-found"
  | "user-not-found"
  | "node-not-found"
  | "auth-key-not-found"
  | "api-key-not-found"
  | "auth-request-not-found"
  | "name-taken"
  | "name-invalid"
  | "argument-invalid"
  | "not-empty"
  | "tag-not-permitted"
  | "tag-invalid"
  | "auth-key-invalid"
  | "auth-key-revoked"
  | "auth-key-expired"
  | "auth-key-used"
  | "node-key-in-use"
  | "machine-mismatch"
  | "tailnet-refused"
  | "not-the-owner"
  | "expiry-extension"
  | "revision-conflict"
  | "addresses-exhausted"
  | "too-many-requests";

/** A command was refused; the message is a sentence for the person who asked. */
export class TailnetError extends Error {
  override readonly name = "TailnetError";
  readonly code: TailnetErrorCode;
  constructor(code: TailnetErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
