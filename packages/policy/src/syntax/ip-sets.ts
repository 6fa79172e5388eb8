import { type AddrRange, parseAddrRange, prefixRange } from "@headscale/netip";
import type { HujsonValue } from "#hujson/hujson.ts";
import { quote } from "./quote.ts";
import { lexLiteral } from "./selector.ts";
import type { SyntaxContext } from "./syntax-context.ts";

export type IpSetPart =
  | { readonly kind: "range"; readonly range: AddrRange }
  | { readonly kind: "host"; readonly name: string }
  | { readonly kind: "ipset"; readonly name: string }
  | { readonly kind: "internet" };

/** One operation of an `ipsets` entry, applied in order. */
export interface IpSetStep {
  readonly remove: boolean;
  readonly part: IpSetPart;
  readonly at: number;
}

export function readIpSets(context: SyntaxContext, value: HujsonValue): Map<string, readonly IpSetStep[]> {
  const sets = new Map<string, readonly IpSetStep[]>();
  for (const entry of context.entries(value, "ipsets")) {
    if (!/^ipset:[^\s:]+$/.test(entry.name))
      context.problem(entry.at, `ipsets: ${quote(entry.name)} must have the form ipset:NAME`);
    const steps = context
      .texts(entry.value, `ipsets[${quote(entry.name)}]`)
      .map(({ text, at }) => readStep(context, text.trim(), at));
    sets.set(
      entry.name,
      steps.filter((step) => step !== undefined),
    );
  }
  return sets;
}

function readStep(context: SyntaxContext, text: string, at: number): IpSetStep | undefined {
  const [, verb, target = ""] = /^(?:(add|remove)\s+)?(\S+)$/.exec(text) ?? [];
  const part = readPart(target);
  if (part !== undefined) return { remove: verb === "remove", part, at };
  context.problem(
    at,
    `ipsets: ${quote(text)} is not "add" or "remove" with an address, range, host:NAME or ipset:NAME`,
  );
  return undefined;
}

function readPart(text: string): IpSetPart | undefined {
  if (text === "autogroup:internet") return { kind: "internet" };
  if (text.startsWith("ipset:")) return { kind: "ipset", name: text };
  if (text.startsWith("host:")) return { kind: "host", name: text.slice("host:".length) };
  const literal = lexLiteral(text);
  if (literal !== undefined) return { kind: "range", range: prefixRange(literal.prefix) };
  try {
    return { kind: "range", range: parseAddrRange(text) };
  } catch {
    return undefined;
  }
}
