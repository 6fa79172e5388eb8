import type { Timestamp } from "@bufbuild/protobuf/wkt";

const units = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1000],
] as const;

const yearMs = 365 * 86_400_000;

/** A span in its biggest unit, such as `5d`, `3h` or `0s`; years from the second on. */
export function span(ms: number): string {
  if (ms >= 2 * yearMs) return `${Math.floor(ms / yearMs)}y`;
  const [unit, size] = units.find(([, unitMs]) => ms >= unitMs) ?? ["s", 1000];
  return `${Math.floor(ms / size)}${unit}`;
}

/** `3m ago`, `now`, `in 89d`; empty when absent. Go's zero time, which headscale sends for "never", counts as absent. */
export function relative(time: Timestamp | undefined, now: number): string {
  const ms = millis(time);
  if (ms === undefined) return "";
  if (Math.abs(ms - now) < 1000) return "now";
  return ms > now ? `in ${span(ms - now)}` : `${span(now - ms)} ago`;
}

/** `2026-11-25 03:33:07` in UTC; empty when absent. */
export function absolute(time: Timestamp | undefined): string {
  const ms = millis(time);
  return ms === undefined ? "" : new Date(ms).toISOString().slice(0, 19).replace("T", " ");
}

export function isPast(time: Timestamp | undefined, now: number): boolean {
  const ms = millis(time);
  return ms !== undefined && ms <= now;
}

function millis(time: Timestamp | undefined): number | undefined {
  if (time === undefined || time.seconds <= -62135596800n) return undefined;
  return Number(time.seconds) * 1000 + time.nanos / 1_000_000;
}
