import type { FilterRule } from "@headscale/tailcfg";
import type { PacketFilters } from "../engine.ts";
import type { Draft } from "./assemble.ts";
import { sameBag, textHash } from "./rule-bag.ts";

/** Parts beside `base`. A change re-sends one part, so more parts mean less to send and more names to keep. */
const partCount = 64;

/**
 * Splits a filter into named parts by the sources as the policy wrote them: when nodes join or leave a group, exactly
 * the parts with that group change. What is open to `*` stands in `base`. Order has no meaning to clients.
 */
export class Chunker {
  readonly #partOf: (source: number) => string;
  readonly #shared = new Map<string, readonly FilterRule[]>();
  readonly #records = new Map<string, PacketFilters>();

  /** `partOf`: name of the part for a source list. */
  constructor(partOf: (source: number) => string) {
    this.#partOf = partOf;
  }

  split(drafts: readonly Draft[], previous: PacketFilters | undefined): PacketFilters {
    const parts = new Map<string, Draft[]>([["base", []]]);
    for (const draft of drafts) {
      const name = this.#partOf(draft.pieces[0]?.unit.source ?? 0);
      const part = parts.get(name);
      if (part === undefined) parts.set(name, [draft]);
      else part.push(draft);
    }
    const keys: string[] = [];
    const filters: Record<string, readonly FilterRule[]> = {};
    for (const [name, part] of parts) {
      const key = shareKey(name, part);
      filters[name] = keepOld(previous?.[name], this.#rules(key, part));
      keys.push(key ?? "");
    }
    const kept = keepOldRecord(previous, filters);
    return kept === previous || keys.includes("") ? kept : this.#share(keys.join("\n"), filters);
  }

  #rules(key: string | undefined, part: readonly Draft[]): readonly FilterRule[] {
    const shared = key === undefined ? undefined : this.#shared.get(key);
    if (shared !== undefined) return shared;
    const rules = part.map(({ rule }) => rule);
    if (key !== undefined) this.#shared.set(key, rules);
    return rules;
  }

  /** Another node's record with the very same parts; never one whose parts only say the same. */
  #share(key: string, filters: PacketFilters): PacketFilters {
    const record = this.#records.get(key);
    if (record === undefined) this.#records.set(key, filters);
    return record !== undefined && sameParts(record, filters) ? record : filters;
  }
}

/** Equal for receivers that get literally the same part; `undefined` where their own addresses are in it. */
function shareKey(name: string, part: readonly Draft[]): string | undefined {
  const pieces = part.flatMap((draft) => draft.pieces);
  if (pieces.some(({ personal }) => personal)) return undefined;
  return `${name}:${pieces.map(({ unit, destinations }) => `${unit.ordinal}=${destinations.map(({ IP }) => IP).join("+")}`).join(",")}`;
}

/** The old part where it says the same as the new one, so that its identity tells that nothing changed. */
function keepOld(old: readonly FilterRule[] | undefined, rules: readonly FilterRule[]): readonly FilterRule[] {
  return old !== undefined && sameBag(old, rules) ? old : rules;
}

/** The old filter where the new one says the same under other names. */
function keepOldRecord(old: PacketFilters | undefined, filters: PacketFilters): PacketFilters {
  if (old === undefined) return filters;
  if (sameParts(old, filters)) return old;
  return sameBag(Object.values(old).flat(), Object.values(filters).flat()) ? old : filters;
}

function sameParts(a: PacketFilters, b: PacketFilters): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
}

/** Name of the part for a source list, the same for the same list in every policy. */
export function partName(label: string): string {
  return `src-${((textHash(label) >>> 0) % partCount).toString().padStart(2, "0")}`;
}
