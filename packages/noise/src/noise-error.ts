export type NoiseErrorCode =
  | "bad-length"
  | "bad-frame-type"
  | "bad-tag"
  | "bad-version"
  | "bad-handshake-header"
  | "bad-early-payload"
  | "zero-shared-secret"
  | "record-too-long"
  | "record-too-short"
  | "too-many-empty-records"
  | "truncated"
  | "nonces-exhausted"
  | "refused"
  | "finished";

/** Why a connection can't go on. There is no resynchronisation in this protocol: every one of these ends it. */
export class NoiseError extends Error {
  override readonly name = "NoiseError";
  readonly code: NoiseErrorCode;

  constructor(code: NoiseErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
