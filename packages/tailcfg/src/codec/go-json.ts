import { DiscoKey, KeyFormatError, NLKey, NodeKey } from "#keys/public-key.ts";
import { DecodeError } from "./go-time.ts";

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

  number(name: string): number | undefined {
    return this.#read(name, (v): v is number => typeof v === "number" && Number.isSafeInteger(v));
  }

  boolean(name: string): boolean {
    return this.#read(name, (v): v is boolean => typeof v === "boolean") ?? false;
  }

  object(name: string): GoObject | undefined {
    const value = this.get(name);
    return value === undefined ? undefined : new GoObject(value, name);
  }

  strings(name: string): readonly string[] | undefined {
    return this.#read(name, (v): v is string[] => Array.isArray(v) && v.every((item) => typeof item === "string"));
  }

  numbers(name: string): readonly number[] | undefined {
    return this.#read(name, (v): v is number[] => Array.isArray(v) && v.every((item) => Number.isSafeInteger(item)));
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

/** @throws {DecodeError} */
export function parseJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch (cause) {
    throw new DecodeError("not-json", "body", { cause });
  }
}
