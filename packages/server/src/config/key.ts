import type { Remarks } from "./config-error.ts";
import type { Raw } from "./document.ts";
import { type Kind, UnfitValue } from "./kind/kind.ts";

/** One key of the configuration file: what it holds, what it is when absent, and what the reference says about it. */
export interface Key<T> {
  readonly kind: Kind<unknown>;
  readonly says: string;
  /** Used when the key is absent or empty. */
  readonly initial?: Raw;
  /** What an absent key comes to where that follows from other keys; the reference shows it commented out. */
  readonly derived?: Raw;
  /** Shown commented out where there is no default. */
  readonly example?: Raw;
  /** Carries the type only. */
  readonly value?: T;
}

export type Keys = Readonly<Record<string, Key<unknown>>>;

export type Values<K extends Keys> = {
  readonly [Name in keyof K]: K[Name] extends Key<infer T> ? T : never;
};

/** A key that always has a value. */
export function key<T>(kind: Kind<T>, initial: Raw, says: string): Key<T> {
  return { kind, initial, says };
}

/** A key that may be left out. */
export function optional<T>(
  kind: Kind<T>,
  shown: { readonly derived: Raw } | { readonly example: Raw },
  says: string,
): Key<T | undefined> {
  return { kind, says, ...shown };
}

/** What a section is built from. */
export interface Reading<K extends Keys> {
  readonly value: Values<K>;
  /** Keys that the file or the environment names, be it with an empty value. */
  readonly stated: ReadonlySet<string>;
  readonly remarks: Remarks;
}

/** Reads every key of `keys` out of the flat settings; what does not fit is refused and left `undefined`. */
export function readKeys<K extends Keys>(keys: K, settings: ReadonlyMap<string, Raw>, remarks: Remarks): Reading<K> {
  const value: Record<string, unknown> = {};
  for (const [name, spec] of Object.entries(keys)) {
    const written = settings.get(name);
    const raw = written === undefined || written === "" ? spec.initial : written;
    value[name] = raw === undefined ? undefined : readValue(name, spec, raw, remarks);
  }
  return { value: value as Values<K>, stated: new Set(settings.keys()), remarks };
}

function readValue(name: string, spec: Key<unknown>, raw: Raw, remarks: Remarks): unknown {
  try {
    return spec.kind.parse(raw);
  } catch (error) {
    if (!(error instanceof UnfitValue)) throw error;
    remarks.refuse(`${name}${error.at}`, `must be ${error.wants}${quoted(spec, raw)}`);
    return spec.initial === undefined ? undefined : spec.kind.parse(spec.initial);
  }
}

/** Quotes a short plain value back. Keys and tokens are longer than 40 characters, and a password in a URL comes before an `@`. */
function quoted({ kind }: Key<unknown>, raw: Raw): string {
  const plain = typeof raw === "string" && !kind.secret && raw.length <= 40 && !raw.includes("@");
  return plain ? `, not ${JSON.stringify(raw)}` : "";
}
