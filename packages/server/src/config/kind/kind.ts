import { isRawMap, type Raw } from "../document.ts";
import { Secret } from "../secret.ts";

/** What a key may hold: how to read it, and how to say what it wants. */
export interface Kind<T> {
  /** Ends the sentence "must be …". */
  readonly wants: string;
  /** @throws {UnfitValue} */
  readonly parse: (raw: Raw) => T;
  /** Entries, where the environment may write them with white space between. */
  readonly list?: true;
  /** A map or list of maps: the environment writes it as YAML or JSON. */
  readonly structured?: true;
  /** Never shown. */
  readonly secret?: true;
}

/** The value is not what the key wants; `at` points into a list or map. Never holds the value. */
export class UnfitValue extends Error {
  override readonly name = "UnfitValue";
  readonly wants: string;
  readonly at: string;

  constructor(wants: string, at = "") {
    super(`must be ${wants}`);
    this.wants = wants;
    this.at = at;
  }
}

/** A kind read from one scalar; `read` answers `undefined` for what does not fit. */
export function scalar<T>(wants: string, read: (text: string) => T | undefined): Kind<T> {
  const parse = (raw: Raw): T => {
    const value = typeof raw === "string" ? read(raw.trim()) : undefined;
    if (value === undefined) throw new UnfitValue(wants);
    return value;
  };
  return { wants, parse };
}

export const text: Kind<string> = scalar("one value, not a list or a section", (written) => written);

/** A file or folder, as written; `Place.resolve` makes it absolute. */
export const path: Kind<string> = scalar("the path of a file or folder", (written) =>
  written.includes("\0") ? undefined : written,
);

export const secret: Kind<Secret> = {
  ...scalar("one value, not a list or a section", (written) => new Secret(written)),
  secret: true,
};

const flags: Readonly<Record<string, boolean>> = {
  true: true,
  t: true,
  yes: true,
  y: true,
  on: true,
  "1": true,
  false: false,
  f: false,
  no: false,
  n: false,
  off: false,
  "0": false,
};

export const flag: Kind<boolean> = scalar("true or false", (written) => flags[written.toLowerCase()]);

export function integer(least: number, most: number): Kind<number> {
  return scalar(`a whole number from ${least} to ${most}`, (written) => {
    const value = /^-?\d{1,15}$/.test(written) ? Number(written) : Number.NaN;
    return value >= least && value <= most ? value : undefined;
  });
}

/** One of a closed set of words; `aliases` are other spellings of them. Case does not matter. */
export function choice<const W extends string>(
  words: readonly W[],
  aliases: Readonly<Record<string, W>> = {},
): Kind<W> {
  return scalar(`one of ${words.join(", ")}`, (written) => {
    const folded = written.toLowerCase();
    return words.find((word) => word.toLowerCase() === folded) ?? aliases[folded];
  });
}

/** A list; a lone text is split at white space, which is how the environment writes one. */
export function listOf<T>(item: Kind<T>): Kind<readonly T[]> {
  const wants = `a list, each entry ${item.wants}`;
  const parse = (raw: Raw): readonly T[] => {
    const entries = typeof raw === "string" ? raw.split(/\s+/).filter(Boolean) : raw;
    if (!Array.isArray(entries)) throw new UnfitValue(wants);
    return entries.map((entry: Raw, index) => parseInside(item, entry, `[${index}]`));
  };
  return { wants, parse, list: true };
}

export function mapOf<T>(item: Kind<T>): Kind<Readonly<Record<string, T>>> {
  const wants = "a section of `name: value` lines";
  const parse = (raw: Raw): Readonly<Record<string, T>> => {
    if (raw === "") return {};
    if (!isRawMap(raw)) throw new UnfitValue(wants);
    return Object.fromEntries(
      Object.entries(raw).map(([name, entry]) => [name, parseInside(item, entry, `.${name}`)] as const),
    );
  };
  return { wants, parse, structured: true };
}

/** Reads a part of a value; a misfit says where in it. */
export function parseInside<T>(kind: Kind<T>, raw: Raw, at: string): T {
  try {
    return kind.parse(raw);
  } catch (error) {
    if (error instanceof UnfitValue) throw new UnfitValue(error.wants, `${at}${error.at}`);
    throw error;
  }
}
