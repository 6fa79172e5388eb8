import { CliError } from "#failure.ts";

/** What waits for an answer: the id, or the address of the page that shows it. @throws {CliError} usage */
export function authId(text: string | undefined): string {
  const id = text?.trim().replace(/^https?:\/\/.*\/(?:register|auth)\/([^/?#]+)\/?$/, "$1") ?? "";
  if (id === "") throw new CliError("usage", "say the id that the login page shows");
  return id;
}
