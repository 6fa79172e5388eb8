import type { PolicyProblem } from "./policy-error.ts";

/** Longest piece of a line that is shown. */
const maxShown = 120;

/**
 * The problem with its line and a caret under the place, for people at a terminal:
 * `policy:3:12: message`, the line, the caret.
 */
export function renderProblem(text: string, { message, line, column }: PolicyProblem, name = "policy"): string {
  const characters = Array.from(text.split("\n")[line - 1]?.replace(/\r$/, "") ?? "");
  const from = column > maxShown ? column - Math.floor(maxShown / 2) : 0;
  const shown = characters.slice(from, from + maxShown);
  const gutter = String(line);
  // Tabs stay tabs, so that the caret stands where the eye looks.
  const indent = shown
    .slice(0, column - 1 - from)
    .map((char) => (char === "\t" ? "\t" : " "))
    .join("");
  const lines = [
    `${name}:${line}:${column}: ${message}`,
    `${gutter} | ${shown.join("")}`,
    `${" ".repeat(gutter.length)} | ${indent}^`,
  ];
  return lines.join("\n");
}
