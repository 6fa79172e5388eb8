import { isSecretName, redact } from "./redact.ts";

export const logLevels = ["trace", "debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof logLevels)[number];
export type LogFormat = "text" | "json";
/** Values are shown with `toJSON`; errors with their causes; `undefined` is left out. */
export type LogFields = Readonly<Record<string, unknown>>;

export interface LogEntry {
  readonly time: Date;
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: LogFields;
}

/** A name chosen by a client must not fill the log. Unit: characters. */
const defaultMaxValueChars = 2048;
const maxCauses = 8;

const tags: Readonly<Record<LogLevel, string>> = { trace: "TRC", debug: "DBG", info: "INF", warn: "WRN", error: "ERR" };

/** One line, without the newline. What others chose can neither break the line nor show a secret. */
export function formatLogLine(entry: LogEntry, format: LogFormat, maxValueChars = defaultMaxValueChars): string {
  const fields = Object.entries(entry.fields)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => [name, isSecretName(name) ? "[redacted]" : plain(value, maxValueChars)] as const);
  const time = entry.time.toISOString();
  const message = bounded(redact(entry.message), maxValueChars);
  if (format === "json") {
    const head = { time, level: entry.level, message };
    return JSON.stringify({ ...head, ...Object.fromEntries(fields), ...head });
  }
  const words = fields.map(([name, value]) => ` ${name}=${quoteIfNeeded(value)}`);
  return `${time} ${tags[entry.level]} ${visible(message)}${words.join("")}`;
}

type Plain = string | number | boolean | null;

function plain(value: unknown, maxChars: number): Plain {
  if (typeof value === "number" || typeof value === "boolean" || value === null) return value;
  return bounded(redact(describe(value)), maxChars);
}

function describe(value: unknown): string {
  if (typeof value === "string") return value;
  if (value instanceof Error) return describeError(value);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? "no date" : value.toISOString();
  if (Array.isArray(value) && value.every((entry) => typeof entry === "string")) return value.join(",");
  if (typeof value === "object" && value !== null) return describeObject(value);
  return String(value);
}

function describeObject(value: object): string {
  try {
    return JSON.stringify(value, (name, inner: unknown) => {
      if (isSecretName(name)) return "[redacted]";
      return typeof inner === "bigint" ? String(inner) : inner;
    });
  } catch {
    return "[unprintable]";
  }
}

/** `message: cause: cause of the cause`, what an operator needs; stacks belong to `debug` lines that ask for them. */
function describeError(error: Error): string {
  const messages: string[] = [];
  let current: unknown = error;
  while (current instanceof Error && messages.length < maxCauses) {
    messages.push(current.message || current.name);
    current = current.cause;
  }
  return messages.join(": ");
}

function bounded(text: string, maxChars: number): string {
  return text.length <= maxChars ? text : `${text.slice(0, maxChars)}…`;
}

function quoteIfNeeded(value: Plain): string {
  if (typeof value !== "string") return String(value);
  return /^[\w.,:;/@+*()[\]-]+$/.test(value) ? value : visible(JSON.stringify(value));
}

/** Control characters, line separators and direction marks as escapes: a log is read in terminals. */
function visible(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Cf}\u2028\u2029]/gu,
    (character) => `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, "0")}`,
  );
}
