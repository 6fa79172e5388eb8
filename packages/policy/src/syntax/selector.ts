import { type Prefix, singlePrefix, tryParseAddr, tryParsePrefix } from "@headscale/netip";

/** Who or what a rule speaks of, as it was written. `at` is the string index in the policy text. */
export type Selector = {
  readonly text: string;
  readonly at: number;
} & (
  | { readonly kind: "any" }
  | { readonly kind: "user" }
  /** `user:*@DOMAIN` */
  | { readonly kind: "domain"; readonly domain: string }
  | { readonly kind: "group" }
  | { readonly kind: "tag" }
  /** `name` is what stands behind `autogroup:`. */
  | { readonly kind: "autogroup"; readonly name: string }
  | { readonly kind: "ipset" }
  | { readonly kind: "service" }
  | { readonly kind: "posture" }
  | { readonly kind: "host" }
  /** `cidr`: written with a prefix length, even `/32`. */
  | { readonly kind: "prefix"; readonly prefix: Prefix; readonly cidr: boolean }
);

export type SelectorKind = Selector["kind"];

const kindOfPrefix = [
  ["group:", "group"],
  ["tag:", "tag"],
  ["ipset:", "ipset"],
  ["svc:", "service"],
  ["posture:", "posture"],
] as const satisfies readonly (readonly [string, SelectorKind])[];

/** The selector a text stands for; every text stands for one, a host name if for nothing else. `text` is trimmed. */
export function lexSelector(text: string, at: number): Selector {
  const literal = lexLiteral(text);
  if (literal !== undefined) return { kind: "prefix", text, at, ...literal };
  if (text === "*") return { kind: "any", text, at };
  if (text.startsWith("user:*@")) return { kind: "domain", domain: text.slice("user:*@".length), text, at };
  if (text.startsWith("autogroup:")) return { kind: "autogroup", name: autogroupName(text), text, at };
  const found = kindOfPrefix.find(([prefix]) => text.startsWith(prefix));
  if (found !== undefined) return { kind: found[1], text, at };
  return { kind: text.includes("@") ? "user" : "host", text, at };
}

/** An address or CIDR; bits behind the prefix length mean nothing and are dropped. */
export function lexLiteral(text: string): { readonly prefix: Prefix; readonly cidr: boolean } | undefined {
  const addr = tryParseAddr(text);
  if (addr !== undefined) return { prefix: singlePrefix(addr), cidr: false };
  const prefix = text.includes("/") ? tryParsePrefix(text, { hostBits: "mask" }) : undefined;
  return prefix === undefined ? undefined : { prefix, cidr: true };
}

/** `autogroup:members` is how older files spell `autogroup:member`. */
function autogroupName(text: string): string {
  const name = text.slice("autogroup:".length);
  return name === "members" ? "member" : name;
}
