import { HujsonError } from "./hujson-error.ts";

/** `start` is the string index of the value's first character, `end` the one behind its last. */
interface Placed {
  readonly start: number;
  readonly end: number;
}

export interface HujsonMember {
  readonly name: string;
  readonly nameStart: number;
  readonly value: HujsonValue;
}

export type HujsonValue = Placed &
  (
    | { readonly kind: "object"; readonly members: readonly HujsonMember[] }
    | { readonly kind: "array"; readonly items: readonly HujsonValue[] }
    | { readonly kind: "string"; readonly value: string }
    | { readonly kind: "number"; readonly value: number }
    | { readonly kind: "boolean"; readonly value: boolean }
    | { readonly kind: "null" }
  );

export interface HujsonLimits {
  /** Deepest nesting of objects and arrays. */
  readonly maxDepth: number;
}

const numberText = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const wordText = /[A-Za-z_$][\w$]*/y;

/**
 * Reads one JSON value with comments and trailing commas (HuJSON). Names are unique within an object.
 * @throws {HujsonError} with the index of the first offending character.
 */
export function parseHujson(text: string, limits: HujsonLimits): HujsonValue {
  const reader = new Reader(text, limits);
  reader.skipBlank();
  const value = reader.readValue(0);
  reader.skipBlank();
  reader.expectEnd();
  return value;
}

class Reader {
  readonly #text: string;
  readonly #limits: HujsonLimits;
  #at = 0;

  constructor(text: string, limits: HujsonLimits) {
    this.#text = text;
    this.#limits = limits;
  }

  expectEnd(): void {
    if (this.#at < this.#text.length) throw this.#error("unexpected text after the policy");
  }

  readValue(depth: number): HujsonValue {
    switch (this.#text[this.#at]) {
      case "{":
        return this.#readObject(this.#deeper(depth));
      case "[":
        return this.#readArray(this.#deeper(depth));
      case '"': {
        const start = this.#at;
        return { kind: "string", value: this.#readString(), start, end: this.#at };
      }
      case undefined:
        throw this.#error("unexpected end of the policy");
      default:
        return this.#readScalar();
    }
  }

  /** White space, `// …` and block comments; comments do not nest. */
  skipBlank(): void {
    for (;;) {
      const char = this.#text.charCodeAt(this.#at);
      if (char === 0x20 || char === 0x0a || char === 0x0d || char === 0x09) this.#at += 1;
      else if (char === 0x2f) this.#skipComment();
      else return;
    }
  }

  #skipComment(): void {
    const opener = this.#text.slice(this.#at, this.#at + 2);
    if (opener === "//") {
      const end = this.#text.indexOf("\n", this.#at);
      this.#at = end < 0 ? this.#text.length : end + 1;
    } else if (opener === "/*") {
      const end = this.#text.indexOf("*/", this.#at + 2);
      if (end < 0) throw this.#error("comment is never closed");
      this.#at = end + 2;
    } else throw this.#error("unexpected character '/'");
  }

  #deeper(depth: number): number {
    if (depth >= this.#limits.maxDepth) throw this.#error(`nested deeper than ${this.#limits.maxDepth} levels`);
    return depth + 1;
  }

  #readObject(depth: number): HujsonValue {
    const start = this.#at;
    const members: HujsonMember[] = [];
    const names = new Set<string>();
    this.#readItems("}", () => {
      const nameStart = this.#at;
      if (this.#text[this.#at] !== '"') throw this.#error("expected a name in double quotes");
      const name = this.#readString();
      if (names.has(name)) throw new HujsonError(nameStart, `duplicate name ${JSON.stringify(name)}`);
      names.add(name);
      this.skipBlank();
      if (this.#text[this.#at] !== ":") throw this.#error("expected ':' after a name");
      this.#at += 1;
      this.skipBlank();
      members.push({ name, nameStart, value: this.readValue(depth) });
    });
    return { kind: "object", members, start, end: this.#at };
  }

  #readArray(depth: number): HujsonValue {
    const start = this.#at;
    const items: HujsonValue[] = [];
    this.#readItems("]", () => items.push(this.readValue(depth)));
    return { kind: "array", items, start, end: this.#at };
  }

  /** Comma-separated items up to `closer`, with one trailing comma allowed. */
  #readItems(closer: "}" | "]", readItem: () => void): void {
    this.#at += 1;
    this.skipBlank();
    while (this.#text[this.#at] !== closer) {
      readItem();
      this.skipBlank();
      const next = this.#text[this.#at];
      if (next === ",") {
        this.#at += 1;
        this.skipBlank();
      } else if (next === undefined) throw this.#error("unexpected end of the policy");
      else if (next !== closer) throw this.#error(`expected ',' or '${closer}'`);
    }
    this.#at += 1;
  }

  #readString(): string {
    const start = this.#at;
    const literal = this.#text.slice(start, this.#stringEnd());
    this.#at = start + literal.length;
    try {
      return JSON.parse(literal) as string;
    } catch (cause) {
      throw new HujsonError(start, "text holds a control character, or an escape that JSON does not know", { cause });
    }
  }

  /** Index behind the closing quote of the string that begins here. */
  #stringEnd(): number {
    for (let at = this.#at + 1; at < this.#text.length; at += 1) {
      const char = this.#text.charCodeAt(at);
      if (char === 0x22) return at + 1;
      if (char === 0x5c) at += 1;
      else if (char === 0x0a) break;
    }
    throw this.#error("text in quotes is never closed");
  }

  #readScalar(): HujsonValue {
    const start = this.#at;
    const word = this.#match(wordText);
    if (word === "true" || word === "false") return { kind: "boolean", value: word === "true", start, end: this.#at };
    if (word === "null") return { kind: "null", start, end: this.#at };
    if (word !== undefined) throw new HujsonError(start, `unexpected word; names and texts stand in double quotes`);
    const digits = this.#match(numberText);
    if (digits === undefined)
      throw this.#error(`unexpected character '${String.fromCodePoint(this.#text.codePointAt(start) ?? 0)}'`);
    return { kind: "number", value: Number(digits), start, end: this.#at };
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    if (found !== undefined) this.#at += found.length;
    return found;
  }

  #error(message: string): HujsonError {
    return new HujsonError(this.#at, message);
  }
}

/** The value as plain JSON data. */
export function toJson(value: HujsonValue): unknown {
  switch (value.kind) {
    case "object":
      return Object.fromEntries(value.members.map(({ name, value: inner }) => [name, toJson(inner)]));
    case "array":
      return value.items.map(toJson);
    case "null":
      return null;
    default:
      return value.value;
  }
}
