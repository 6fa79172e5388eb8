export type SignInErrorCode =
  /** The callback lacks its parameters. */
  | "callback-incomplete"
  /** This browser did not begin the login, or has finished it. */
  | "not-begun-here"
  | "state-mismatch"
  | "already-used"
  /** Nothing waits any more for this login. */
  | "ran-out"
  /** The provider says that the user or it itself turned the login down. */
  | "turned-down"
  /** The provider refused our client id and secret. */
  | "client-refused"
  | "code-refused"
  | "token-invalid"
  | "user-info-mismatch"
  | "subject-unusable"
  | "email-not-verified"
  | "domain-not-allowed"
  | "user-not-allowed"
  | "group-not-allowed"
  /** The SSH check is another's to answer. */
  | "not-the-owner"
  /** The device may not come in like this: a tag that its user may not give, a key that is another's. */
  | "device-refused"
  /** The answer did not come from the page that was shown. */
  | "form-invalid"
  | "provider-unavailable"
  | "too-many";

/** A sign-in came to nothing, and changed nothing. `message` is for the log: what people read is the page's matter. */
export class SignInError extends Error {
  override readonly name = "SignInError";
  readonly code: SignInErrorCode;

  constructor(code: SignInErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
