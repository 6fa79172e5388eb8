import type { PolicyIndex } from "#resolve/policy-index.ts";
import type { Unit } from "./units.ts";

/** Which source lists meet which receiver lists in some rule; a matter of the policy alone. */
export interface Edges {
  /** By source list. */
  readonly destsOf: readonly (readonly number[])[];
  /** By receiver list. */
  readonly sourcesOf: readonly (readonly number[])[];
  /** Source lists of rules to `autogroup:self`. */
  readonly selfSources: readonly number[];
  /** Those among them whose rule also tells the sources about the destinations. */
  readonly selfCompanions: readonly number[];
  /** Receiver lists with `*` in a network rule, and source lists with a bare `*`. */
  readonly openDests: readonly number[];
  readonly openSources: readonly number[];
}

export function makeEdges(index: PolicyIndex, units: readonly Unit[]): Edges {
  const destsOf = index.sources.map(() => new Set<number>());
  const sourcesOf = index.dests.map(() => new Set<number>());
  const selfSources = new Set<number>();
  const selfCompanions = new Set<number>();
  for (const { source, dest, kind } of units) {
    if (dest === undefined) (kind === "companion" ? selfCompanions : selfSources).add(source);
    else {
      destsOf[source]?.add(dest);
      sourcesOf[dest]?.add(source);
    }
  }
  const isOpen = (selector: number) => ["any", "danger"].includes(index.selectors[selector]?.kind ?? "");
  const open = index.dests.flatMap((spec, id) =>
    spec.kind === "selectors" && !spec.capability && spec.selectors.some(isOpen) ? [id] : [],
  );
  return {
    destsOf: destsOf.map((ids) => [...ids]),
    sourcesOf: sourcesOf.map((ids) => [...ids]),
    selfSources: [...selfSources],
    selfCompanions: [...selfCompanions],
    openDests: open,
    openSources: index.sources.flatMap(({ selectors, postures }, id) =>
      postures.length === 0 && selectors.some(isOpen) ? [id] : [],
    ),
  };
}
