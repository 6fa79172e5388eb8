import type { Node } from "@headscale/tailcfg";
import { formatGoTime, parseGoTime } from "@headscale/tailcfg/codec";
import { capabilityLists, isNone, isZero } from "./wire-equality.ts";

const instants = new Set(["KeyExpiry", "Created", "LastSeen"]);

/**
 * A node with one spelling for each meaning, so that two can be compared with `toEqual`: zero values left out (but not
 * `Online: false`, which differs from unknown), times in UTC, AllowedIPs spelt out.
 */
export function canonicalNode(node: Node): Node {
  const spelt = { ...node, AllowedIPs: node.AllowedIPs ?? node.Addresses };
  const entries = Object.entries(spelt).map(([field, value]) => [field, canonicalValue(field, value)] as const);
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined)) as unknown as Node;
}

function canonicalValue(field: string, value: unknown): unknown {
  if (isNone(value)) return undefined;
  if (field === "Online" || field === "AllowedIPs") return value;
  if (instants.has(field)) {
    const ms = parseGoTime(value, field);
    return ms === undefined ? undefined : formatGoTime(ms);
  }
  const spelt = field === "CapMap" ? capabilityLists(value as Node["CapMap"]) : value;
  return isZero(spelt) || isEmptyObject(spelt) ? undefined : spelt;
}

function isEmptyObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).length === 0;
}
