import { DiscoKey, KeyFormatError, NLKey, NodeKey } from "#keys/public-key.ts";
import { DecodeError } from "./decode-error.ts";

/** An object read by Go's rules: names match in any case, unknown ones are ignored, null is zero. */
export class GoObject {
  readonly #fields: Map<string, unknown>;

  /** @throws {DecodeError} unless `value` is an object. */
  constructor(value: unknown, field = "body") {
    if (typeof value !== "object" || value === null || Array.isArray(value))
      throw new DecodeError("not-an-object", field);
    this.#fields = new Map(Object.entries(value).map(([name, v]) => [name.toLowerCase(), v]));
  }

  get(name: string): unknown {
    return this.#fields.get(name.toLowerCase()) ?? undefined;
  }

  string(name: string): string | undefined {
    return this.#read(name, (v): v is string => typeof v === "string") || undefined;
  }

  /** A whole number from 0 to `max`. */
  count(name: string, max: number): number | undefined {
    return this.#read(name, (v): v is number => Number.isSafeInteger(v) && (v as number) >= 0 && (v as number) <= max);
  }

  float(name: string): number | undefined {
    return this.#read(name, (v): v is number => typeof v === "number" && Number.isFinite(v));
  }

  boolean(name: string): boolean {
    return this.optionalBoolean(name) ?? false;
  }

  /** Go's `opt.Bool`: undefined is "not set". */
  optionalBoolean(name: string): boolean | undefined {
    return this.#read(name, (v): v is boolean => typeof v === "boolean");
  }

  object(name: string): GoObject | undefined {
    const value = this.get(name);
    return value === undefined ? undefined : new GoObject(value, name);
  }

  /** At most `max` texts. */
  strings(name: string, max: number): readonly string[] | undefined {
    const isText = (item: unknown) => typeof item === "string";
    const list = this.list(name, max);
    if (list && !list.every(isText)) throw new DecodeError("bad-field", name);
    return list as readonly string[] | undefined;
  }

  /** At most `max` values of any kind. */
  list(name: string, max: number): readonly unknown[] | undefined {
    const list = this.#read(name, (v): v is unknown[] => Array.isArray(v));
    if (list && list.length > max) throw new DecodeError("too-long", name);
    return list;
  }

  /** A node key; Go's zero key comes back as the zero key. */
  nodeKey(name: string): NodeKey {
    return this.#key(name, NodeKey) ?? NodeKey.zero;
  }

  /** A disco key, or undefined for none and for the zero key. */
  discoKey(name: string): DiscoKey | undefined {
    const key = this.#key(name, DiscoKey);
    return key === DiscoKey.zero ? undefined : key;
  }

  /** A tailnet-lock key, or undefined for none and for the zero key. */
  nlKey(name: string): NLKey | undefined {
    const key = this.#key(name, NLKey);
    return key === NLKey.zero ? undefined : key;
  }

  #key<K>(name: string, kind: { parse(text: string): K }): K | undefined {
    const text = this.string(name);
    if (text === undefined) return undefined;
    try {
      return kind.parse(text);
    } catch (cause) {
      if (cause instanceof KeyFormatError) throw new DecodeError("bad-field", name, { cause });
      throw cause;
    }
  }

  #read<T>(name: string, is: (value: unknown) => value is T): T | undefined {
    const value = this.get(name);
    if (value === undefined) return undefined;
    if (!is(value)) throw new DecodeError("bad-field", name);
    return value;
  }
}

/** Deeper than anything a client sends, and far from what makes `JSON.stringify` run out of stack. */
const maxDepth = 64;

/** @throws {DecodeError} for what is no JSON or nested too deeply. */
export function parseJson(body: string): unknown {
  if (depthOf(body) > maxDepth) throw new DecodeError("too-deep", "body");
  try {
    return JSON.parse(body);
  } catch (cause) {
    throw new DecodeError("not-json", "body", { cause });
  }
}

const [quote, backslash, closing] = [0x22, 0x5c, 0x7d];
/** Code units of `[` and `{`, `]` and `}` differ by this bit alone. */
const braceBit = 0x20;

/** How deep brackets nest in a JSON text; of other texts it says nothing. */
function depthOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  let isQuoted = false;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit === quote) isQuoted = !isQuoted;
    else if (isQuoted) i += unit === backslash ? 1 : 0;
    else if ((unit | braceBit) === closing) depth--;
    else if ((unit | braceBit) === closing - 2) deepest = Math.max(deepest, ++depth);
  }
  return deepest;
}
