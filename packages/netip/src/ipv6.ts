import { formatIPv4, parseIPv4 } from "./ipv4.ts";

const groupCount = 8;
const hexGroup = /^[0-9a-fA-F]{1,4}$/;

/** Longest text: six groups of four and a dotted quad. */
const maxLength = 45;

/** Value of an IPv6 address in any RFC 4291 §2.2 spelling; zones are refused. */
export function parseIPv6(text: string): bigint | undefined {
  if (text.length < 2 || text.length > maxLength) return undefined;
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const head = parseGroups(halves[0] as string, halves.length === 1);
  if (head === undefined) return undefined;
  if (halves.length === 1) return head.length === groupCount ? join(head) : undefined;
  const tail = parseGroups(halves[1] as string, true);
  // "::" stands for at least one group.
  if (tail === undefined || head.length + tail.length >= groupCount) return undefined;
  const zeros = new Array<number>(groupCount - head.length - tail.length).fill(0);
  return join([...head, ...zeros, ...tail]);
}

function parseGroups(text: string, mayEndInQuad: boolean): number[] | undefined {
  if (text === "") return [];
  const parts = text.split(":");
  const groups: number[] = [];
  for (const [index, part] of parts.entries()) {
    if (hexGroup.test(part)) {
      groups.push(Number.parseInt(part, 16));
      continue;
    }
    const quad = mayEndInQuad && index === parts.length - 1 ? parseIPv4(part) : undefined;
    if (quad === undefined) return undefined;
    groups.push(quad >>> 16, quad & 0xffff);
  }
  return groups.length > groupCount ? undefined : groups;
}

function join(groups: readonly number[]): bigint {
  let value = 0n;
  for (const group of groups) value = (value << 16n) | BigInt(group);
  return value;
}

/** RFC 5952: lower case, the first longest run of two or more zero groups as `::`, IPv4-mapped addresses with a quad (§5). */
export function formatIPv6(value: bigint): string {
  if (value >> 32n === 0xffffn) return `::ffff:${formatIPv4(Number(value & 0xffff_ffffn))}`;
  const groups: number[] = [];
  for (let shift = 112n; shift >= 0n; shift -= 16n) groups.push(Number((value >> shift) & 0xffffn));
  const run = longestZeroRun(groups);
  const hex = groups.map((group) => group.toString(16));
  if (run.length < 2) return hex.join(":");
  return `${hex.slice(0, run.start).join(":")}::${hex.slice(run.start + run.length).join(":")}`;
}

function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  let start = 0;
  for (const [index, group] of groups.entries()) {
    if (group !== 0) start = index + 1;
    else if (index + 1 - start > best.length) best = { start, length: index + 1 - start };
  }
  return best;
}
