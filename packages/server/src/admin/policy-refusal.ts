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
    // That tests failed is said in the first line; where, by each of them.
    const problems = error.code === "tests-failed" ? error.problems.slice(1) : error.problems;
    const shown = problems.slice(0, maxShown).map((problem) => renderProblem(text, problem));
    const more = problems.length > maxShown ? [`… and ${problems.length - maxShown} more`] : [];
    throw new ConnectError([`${prefix}${error.message}`, ...shown, ...more].join("\n"), Code.InvalidArgument);
  }
}
