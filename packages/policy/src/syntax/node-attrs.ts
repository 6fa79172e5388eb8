import { type Prefix, prefixCovers, prefixOverlaps, tryParsePrefix } from "@headscale/netip";
import type { CapabilityValues } from "@headscale/tailcfg";
import type { HujsonValue } from "#hujson/hujson.ts";
import type { Located, NodeAttr } from "./policy-document.ts";
import { quote } from "./quote.ts";
import { readCapabilities } from "./rules.ts";
import type { Selector } from "./selector.ts";
import type { SyntaxContext } from "./syntax-context.ts";

const tailnetRange = "100.64.0.0/10" as Prefix;

/** Kept by clients and by the hosted service for themselves: service addresses, ChromeOS, quad-100's neighbours. */
const reservedRanges = ["100.100.0.0/24", "100.100.100.0/24", "100.115.92.0/23"] as Prefix[];

export function readNodeAttr(context: SyntaxContext, value: HujsonValue): NodeAttr {
  let target: Selector[] = [];
  let attr: readonly string[] = [];
  let ipPool: Prefix[] = [];
  let app = new Map<string, CapabilityValues>();
  context.fields(value, "nodeAttrs", {
    target: (field) => {
      target = context.selectors(field, "nodeAttrs.target");
    },
    attr: (field) => {
      attr = context.texts(field, "nodeAttrs.attr").map(({ text }) => text);
    },
    ipPool: (field) => {
      ipPool = context.texts(field, "nodeAttrs.ipPool").flatMap((entry) => readPool(context, entry));
    },
    app: (field) => {
      app = readCapabilities(context, field, "nodeAttrs.app");
    },
  });
  return { span: value, target, attr, ipPool, app };
}

function readPool(context: SyntaxContext, { text, at }: Located): Prefix[] {
  const prefix = tryParsePrefix(text.trim());
  if (prefix === undefined) {
    context.problem(at, `IPPool(${text}): ${quote(text)} is no network`);
    return [];
  }
  if (!prefixCovers(tailnetRange, prefix))
    context.problem(at, `IPPool(${prefix}): network must be within ${tailnetRange}`);
  else if (reservedRanges.some((reserved) => prefixOverlaps(reserved, prefix))) {
    context.problem(at, `IPPool(${prefix}): network within reserved range`);
  }
  return [prefix];
}
