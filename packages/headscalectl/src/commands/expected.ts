import { CliError } from "#failure.ts";

/** A message that the API promises to send along. @throws {CliError} when the server did not. */
export function expected<T>(message: T | undefined): T {
  if (message === undefined) throw new CliError("other", "the server's answer lacks what was asked for");
  return message;
}
