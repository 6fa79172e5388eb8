import type { PostureAssertion, PostureValue } from "#syntax/postures.ts";
import type { AttributeValue } from "../engine.ts";

/** Whether attributes satisfy all assertions. An attribute that is not set fails every one but `NOT SET`. */
export function satisfies(
  attributes: Readonly<Record<string, AttributeValue>>,
  assertions: readonly PostureAssertion[],
): boolean {
  return assertions.every((assertion) => holds(attributes, assertion));
}

function holds(
  attributes: Readonly<Record<string, AttributeValue>>,
  { attribute, operator, values }: PostureAssertion,
): boolean {
  const actual = Object.hasOwn(attributes, attribute) ? attributes[attribute] : undefined;
  if (operator === "NOT SET") return actual === undefined;
  if (actual === undefined) return false;
  const [wanted] = values;
  switch (operator) {
    case "IS SET":
      return true;
    case "IN":
      return values.some((value) => same(actual, value));
    case "NOT IN":
      return !values.some((value) => same(actual, value));
    case "==":
      return wanted !== undefined && same(actual, wanted);
    case "!=":
      return wanted !== undefined && !same(actual, wanted);
    default:
      return wanted !== undefined && inOrder(compareVersions(String(actual), String(wanted)), operator);
  }
}

function same(actual: AttributeValue, wanted: PostureValue): boolean {
  return String(actual) === String(wanted);
}

function inOrder(order: number, operator: "<" | "<=" | ">" | ">="): boolean {
  if (operator === "<") return order < 0;
  if (operator === "<=") return order <= 0;
  return operator === ">" ? order > 0 : order >= 0;
}

/** Numbers and versions part by part: `1.9` < `1.10`; what is no number compares as text. */
function compareVersions(a: string, b: string): number {
  const left = a.split(/[.-]/);
  const right = b.split(/[.-]/);
  for (let index = 0; index < Math.max(left.length, right.length); index += 1) {
    const x = left[index] ?? "0";
    const y = right[index] ?? "0";
    const numeric = /^\d+$/.test(x) && /^\d+$/.test(y);
    const order = numeric ? Number(x) - Number(y) : Number(x > y) - Number(x < y);
    if (order !== 0) return order;
  }
  return 0;
}
