import { isDeepStrictEqual } from "node:util";
import type { Node } from "@headscale/tailcfg";
import { parseGoTime } from "@headscale/tailcfg/codec";

/** Absent and null are the same to a Go client's pointers. */
export function isNone(value: unknown): value is undefined | null {
  return value === undefined || value === null;
}

/** What Go's decoder makes of an absent field: false, 0, "", no elements, the zero key. */
export function isZero(value: unknown): boolean {
  if (isNone(value) || value === false || value === 0 || value === "") return true;
  if (Array.isArray(value)) return value.length === 0;
  return typeof value === "string" && /^[a-z]+:0{64}$/.test(value);
}

/** Equal as decoded Go values: absent is zero. */
export function sameValue(a: unknown, b: unknown): boolean {
  return (isZero(a) && isZero(b)) || isDeepStrictEqual(a, b);
}

/** Equal as points in time; absent is Go's zero time. */
export function sameInstant(a: unknown, b: unknown): boolean {
  return parseGoTime(a, "time") === parseGoTime(b, "time");
}

/** Capabilities with a list of values each: null and none are the same to a client. */
export function capabilityLists(capMap: Node["CapMap"] | null): Readonly<Record<string, readonly unknown[]>> {
  return Object.fromEntries(Object.entries(capMap ?? {}).map(([name, values]) => [name, values ?? []]));
}
