import { quote } from "./quote.ts";

const unitNs: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  μs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
};

const part = /(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/y;

/** Largest duration that Go can hold, about 292 years. */
const maxNs = 2 ** 63;

/**
 * A duration in Go's syntax (`1h30m`, `-2.5s`, `0`) in nanoseconds.
 * Source: Go time.ParseDuration, whose error text the hosted service passes on.
 */
export function parseDuration(text: string): number | { readonly error: string } {
  const sign = text.startsWith("-") ? -1 : 1;
  const body = text.replace(/^[+-]/, "");
  if (body === "0") return 0;
  let total = 0;
  part.lastIndex = 0;
  while (part.lastIndex < body.length) {
    const match = part.exec(body);
    if (match === null) return { error: durationError(body, text) };
    total += Number(match[1]) * (unitNs[match[2] as string] ?? 0);
    if (total >= maxNs) return { error: `time: invalid duration ${quote(text)}` };
  }
  return body === "" ? { error: `time: invalid duration ${quote(text)}` } : sign * Math.trunc(total);
}

/** Go names a number without unit and a strange unit apart from plain nonsense. */
function durationError(body: string, text: string): string {
  const rest = body.replace(/^(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|[smh])(?=[\d.]))*/, "");
  const number = /^(?:\d+\.?\d*|\.\d+)/.exec(rest)?.[0];
  if (number === undefined) return `time: invalid duration ${quote(text)}`;
  const unit = /^[^\d.]+/.exec(rest.slice(number.length))?.[0];
  if (unit === undefined) return `time: missing unit in duration ${quote(text)}`;
  return `time: unknown unit ${quote(unit)} in duration ${quote(text)}`;
}

/** Go's text of a duration: `1h0m0s`, `-1m0s`, `1.5s`, `0s`. */
export function formatDuration(ns: number): string {
  const sign = ns < 0 ? "-" : "";
  const size = Math.abs(ns);
  if (size === 0) return "0s";
  if (size < 1e3) return `${sign}${size}ns`;
  if (size < 1e6) return `${sign}${size / 1e3}µs`;
  if (size < 1e9) return `${sign}${size / 1e6}ms`;
  const hours = Math.floor(size / 3600e9);
  const minutes = Math.floor((size % 3600e9) / 60e9);
  const seconds = (size % 60e9) / 1e9;
  if (hours > 0) return `${sign}${hours}h${minutes}m${seconds}s`;
  return minutes > 0 ? `${sign}${minutes}m${seconds}s` : `${sign}${seconds}s`;
}
