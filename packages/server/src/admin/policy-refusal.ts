import { Code, ConnectError } from "@connectrpc/connect";
import { PolicyError, renderProblem } from "@headscale/policy";

/** More problems than these are not read by anybody. */
const maxShown = 10;

/**
 * Runs what reads `text` as a policy; a refusal names every problem with its line and a caret under the place.
 * User interfaces tell a text that does not parse by the prefix, as headscale has it.
 */
export async function withPlaces<T>(text: string, read: () => T | Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error;
    const prefix = error.code === "bad-syntax" ? "parsing HuJSON: " : "";
    const shown = error.problems.slice(0, maxShown).map((problem) => renderProblem(text, problem));
    const more = error.problems.length > maxShown ? [`… and ${error.problems.length - maxShown} more`] : [];
    throw new ConnectError([`${prefix}${error.message}`, ...shown, ...more].join("\n"), Code.InvalidArgument);
  }
}
