import { LineCounter, parseDocument } from "yaml";
import { ConfigError } from "./config-error.ts";

/** What a file says before anybody knows what it means: every scalar is still the text that was written. */
export type Raw = string | readonly Raw[] | RawMap;
export interface RawMap {
  readonly [key: string]: Raw;
}

/** Larger than any configuration written by a person. Unit: characters. */
export const maxDocumentChars = 1_048_576;

const maxAliases = 100;

export function isRawMap(raw: Raw | undefined): raw is RawMap {
  return typeof raw === "object" && !Array.isArray(raw);
}

/**
 * Reads YAML or JSON without giving scalars a type: `0770` keeps its zero and `no` stays a word until a key asks for it.
 * @param source names the file in messages.
 * @throws {ConfigError} `bad-syntax` with line and column, never with the text found there: it may be a password.
 */
export function parseText(text: string, source: string): RawMap {
  if (text.length > maxDocumentChars) throw syntaxError(source, `is longer than ${maxDocumentChars} characters`);
  const lines = new LineCounter();
  const document = parseDocument(text, { schema: "failsafe", merge: true, prettyErrors: false, lineCounter: lines });
  const [first] = document.errors;
  if (first) {
    const { line, col } = lines.linePos(first.pos[0]);
    const what = first.code.toLowerCase().replaceAll("_", " ");
    throw syntaxError(source, `is not valid YAML or JSON at line ${line}, column ${col} (${what})`);
  }
  const value = toJs(() => document.toJS({ maxAliasCount: maxAliases }), source);
  if (value === null || value === undefined || value === "") return {};
  const raw = toRaw(value);
  if (!isRawMap(raw)) throw syntaxError(source, "must be a list of `key: value` lines");
  return raw;
}

function toJs(convert: () => unknown, source: string): unknown {
  try {
    return convert();
  } catch (cause) {
    throw syntaxError(source, `uses more than ${maxAliases} aliases, or one that is not defined`, cause);
  }
}

function toRaw(value: unknown): Raw {
  if (Array.isArray(value)) return value.map(toRaw);
  if (value !== null && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, toRaw(inner)]));
  }
  const text = value === null || value === undefined ? "" : String(value);
  return text === "~" || text === "null" ? "" : text;
}

function syntaxError(source: string, says: string, cause?: unknown): ConfigError {
  return new ConfigError("bad-syntax", [{ key: source, says }], cause);
}
