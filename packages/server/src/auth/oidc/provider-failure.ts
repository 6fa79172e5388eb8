import {
  AuthorizationResponseError,
  ClientError,
  ResponseBodyError,
  WWWAuthenticateChallengeError,
} from "openid-client";
import { SignInError } from "./sign-in-error.ts";

/** What openid-client says when nobody answered, or not as a provider would; all its other codes are about wrong answers. */
const unavailable = new Set([
  undefined,
  "OAUTH_TIMEOUT",
  "OAUTH_ABORT",
  "OAUTH_RESPONSE_IS_NOT_CONFORM",
  "OAUTH_RESPONSE_IS_NOT_JSON",
]);

/** Whether the provider does not take our client id and secret in the way that they were sent. */
export function isClientRefusal(error: unknown): boolean {
  if (error instanceof WWWAuthenticateChallengeError) return true;
  return error instanceof ResponseBodyError && error.error === "invalid_client";
}

/** What a failed exchange of the code means to whoever signs in. */
export function signInErrorOf(error: unknown): SignInError {
  const options = { cause: error };
  if (isClientRefusal(error))
    return new SignInError("client-refused", "the provider refuses oidc.client_id with oidc.client_secret", options);
  if (error instanceof AuthorizationResponseError)
    return new SignInError("turned-down", `the provider answered ${worded(error.error)}`, options);
  if (error instanceof ResponseBodyError)
    return new SignInError("code-refused", `the provider answered ${worded(error.error)} to the code`, options);
  if (error instanceof ClientError && !unavailable.has(error.code))
    return new SignInError("token-invalid", reasonOf(error), options);
  return new SignInError("provider-unavailable", reasonOf(error), options);
}

/** The chain of reasons in one line. Only messages: what hangs on these errors besides are tokens and whole answers. */
export function reasonOf(error: unknown): string {
  const reasons: string[] = [];
  for (let one = error; one instanceof Error && reasons.length < 4; one = one.cause) {
    if (!reasons.includes(one.message) && one.message !== "") reasons.push(one.message);
  }
  return reasons.join(": ") || "unknown reason";
}

/** Error codes are ASCII words; what is none came from elsewhere than a provider. Source: RFC 6749 section 4.1.2.1. */
function worded(code: string): string {
  return /^[a-z_]{1,64}$/.test(code) ? code : "an unknown error";
}
