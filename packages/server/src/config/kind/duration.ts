import { type Kind, scalar } from "./kind.ts";

const unitMs: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
  y: 31_536_000_000,
};

const whole = /^(?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h|d|w|y))+$/;
const part = /(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h|d|w|y)/g;

/** A century: longer than any timer, and far below where `Date` ends. Unit: milliseconds. */
const longestMs = 100 * 31_536_000_000;

/** Milliseconds of `90d`, `1h30m` or `800ms` (Go's and Prometheus's units together); `undefined` for anything else. */
export function parseDuration(written: string): number | undefined {
  if (written === "0") return 0;
  if (written.length > 64 || !whole.test(written)) return undefined;
  let ms = 0;
  for (const [, amount = "", unit = ""] of written.matchAll(part)) ms += Number(amount) * (unitMs[unit] ?? Number.NaN);
  return ms <= longestMs ? ms : undefined;
}

/** A length of time with its unit, read as milliseconds. A bare number is refused: upstream reads it as nanoseconds. */
export const duration: Kind<number> = scalar(
  "a length of time with its unit, such as 90d, 30m or 800ms",
  parseDuration,
);

/** A length of time within bounds, themselves written like one: a time limit that is 0 or never ends is none. */
export function durationBetween(least: string, most: string): Kind<number> {
  const [leastMs, mostMs] = [parseDuration(least) ?? 0, parseDuration(most) ?? longestMs];
  return scalar(`a length of time with its unit, from ${least} to ${most}`, (written) => {
    const ms = parseDuration(written);
    return ms !== undefined && ms >= leastMs && ms <= mostMs ? ms : undefined;
  });
}
