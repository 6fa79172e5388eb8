import { isRawMap, type Raw, type RawMap } from "./document.ts";

/** The file as dotted names and their values. */
export interface Settings {
  /** Values of names that `isKnown` knew. */
  readonly known: Map<string, Raw>;
  /** Dotted names that mean nothing, in the order of the file. */
  readonly unknown: readonly string[];
}

const deepest = 16;

/** Flattens sections into dotted names; letter case does not matter, as with upstream's reader. Empty sections vanish. */
export function flatten(tree: RawMap, isKnown: (name: string) => boolean): Settings {
  const known = new Map<string, Raw>();
  const unknown: string[] = [];
  const walk = (section: RawMap, prefix: string, depth: number): void => {
    for (const [written, raw] of Object.entries(section)) {
      const name = `${prefix}${written.toLowerCase()}`;
      if (isKnown(name)) known.set(name, raw);
      else if (isRawMap(raw) && depth < deepest) walk(raw, `${name}.`, depth + 1);
      else if (raw !== "") unknown.push(name);
    }
  };
  walk(tree, "", 1);
  return { known, unknown };
}
