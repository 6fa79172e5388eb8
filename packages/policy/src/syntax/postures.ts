import type { HujsonValue } from "#hujson/hujson.ts";
import { quote } from "./quote.ts";
import type { SyntaxContext } from "./syntax-context.ts";

export type PostureOperator = "==" | "!=" | "<" | "<=" | ">" | ">=" | "IN" | "NOT IN" | "IS SET" | "NOT SET";
export type PostureValue = string | number | boolean;

/** `ATTRIBUTE OPERATOR VALUE`; `values` holds several for `IN` and `NOT IN`, none for the two `SET` tests. */
export interface PostureAssertion {
  readonly attribute: string;
  readonly operator: PostureOperator;
  readonly values: readonly PostureValue[];
}

/** Attributes that come from what a client reports of itself. */
export const nodeAttributes = [
  "node:os",
  "node:osVersion",
  "node:tsVersion",
  "node:tsReleaseTrack",
  "node:tsAutoUpdate",
  "node:tsStateEncrypted",
] as const;
export type NodeAttribute = (typeof nodeAttributes)[number];

const known: ReadonlySet<string> = new Set(nodeAttributes);

const assertionText = /^([\w.-]+:[\w./-]+)\s*(==|!=|<=|>=|<|>|NOT\s+IN\b|IN\b|IS\s+SET|NOT\s+SET)\s*(.*)$/i;
const quoted = /^'([^']*)'$|^"([^"]*)"$/;
const listItem = /'[^']*'|"[^"]*"|[^,\s][^,]*/g;

export function readPostures(context: SyntaxContext, value: HujsonValue): Map<string, readonly PostureAssertion[]> {
  const postures = new Map<string, readonly PostureAssertion[]>();
  for (const entry of context.entries(value, "postures")) {
    if (!/^posture:[^\s:]+$/.test(entry.name))
      context.problem(entry.at, `postures: ${quote(entry.name)} must have the form posture:NAME`);
    const assertions: PostureAssertion[] = [];
    for (const { text, at } of context.texts(entry.value, `postures[${quote(entry.name)}]`)) {
      const assertion = parseAssertion(text.trim());
      if (assertion === undefined)
        context.problem(at, `postures[${quote(entry.name)}]: cannot read assertion ${quote(text)}`);
      else {
        assertions.push(assertion);
        warnOfUnknown(context, assertion, at);
      }
    }
    postures.set(entry.name, assertions);
  }
  return postures;
}

function warnOfUnknown(context: SyntaxContext, { attribute, operator }: PostureAssertion, at: number): void {
  if (known.has(attribute)) return;
  const outcome = operator === "NOT SET" ? "always" : "never";
  context.warn(at, `no device has the attribute ${quote(attribute)} on this server, so the assertion ${outcome} holds`);
}

/** Reads one assertion such as `node:os IN ['macos', 'linux']` or `node:tsVersion >= '1.60'`. */
export function parseAssertion(text: string): PostureAssertion | undefined {
  const match = assertionText.exec(text);
  if (match === null) return undefined;
  const attribute = match[1] as string;
  const operator = (match[2] as string).toUpperCase().replace(/\s+/, " ") as PostureOperator;
  const rest = (match[3] as string).trim();
  if (operator === "IS SET" || operator === "NOT SET")
    return rest === "" ? { attribute, operator, values: [] } : undefined;
  if (operator === "IN" || operator === "NOT IN") {
    if (!rest.startsWith("[") || !rest.endsWith("]")) return undefined;
    const values = Array.from(rest.slice(1, -1).matchAll(listItem), ([item]) => parseValue(item.trim()));
    return { attribute, operator, values };
  }
  return rest === "" ? undefined : { attribute, operator, values: [parseValue(rest)] };
}

function parseValue(text: string): PostureValue {
  const inQuotes = quoted.exec(text);
  if (inQuotes !== null) return inQuotes[1] ?? inQuotes[2] ?? "";
  if (text === "true" || text === "false") return text === "true";
  return /^-?\d+(?:\.\d+)?$/.test(text) ? Number(text) : text;
}
