/** Why an exchange with a certificate authority failed. */
export type AcmeErrorCode =
  /** A name or setting of ours cannot work; asking again will not help. */
  | "bad-name"
  | "bad-setting"
  /** No usable answer: refused connection, time limit, status 5xx. */
  | "unreachable"
  /** An answer that is not what RFC 8555 says; or larger than our limit. */
  | "bad-answer"
  /** A problem document (RFC 8555 §6.7); `problem` tells which. */
  | "refused"
  /** The authority could not see our answer to its challenge. */
  | "challenge-failed"
  /** The order or its certificate turned out wrong. */
  | "order-failed";

/** A certificate authority said no, or said nothing. The message is for the operator and holds no secret. */
export class AcmeError extends Error {
  override readonly name = "AcmeError";
  readonly code: AcmeErrorCode;
  /** The problem's type without `urn:ietf:params:acme:error:`, for example `rateLimited`. */
  readonly problem: string | undefined;
  /** How long the authority asked us to stay away, in milliseconds. */
  readonly retryAfterMs: number | undefined;

  constructor(
    code: AcmeErrorCode,
    message: string,
    more: { problem?: string | undefined; retryAfterMs?: number | undefined; cause?: unknown } = {},
  ) {
    super(message, { cause: more.cause });
    this.code = code;
    this.problem = more.problem;
    this.retryAfterMs = more.retryAfterMs;
  }
}
