import { CliError } from "./failure.ts";

const units = [
  ["y", 365 * 24 * 3_600_000],
  ["w", 7 * 24 * 3_600_000],
  ["d", 24 * 3_600_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1000],
  ["ms", 1],
] as const;

const pattern = new RegExp(`^${units.map(([unit]) => `(?:(\\d{1,12})${unit})?`).join("")}$`);

/**
 * Milliseconds of a Prometheus duration such as `90d`, `1h30m` or `0`: whole numbers, big units first.
 * @throws {CliError} usage, naming the flag.
 */
export function parseDuration(text: string, flag: string): number {
  if (text === "0") return 0;
  const found = text === "" ? null : pattern.exec(text);
  const total = found && units.reduce((sum, [, ms], index) => sum + Number(found[index + 1] ?? 0) * ms, 0);
  if (total === null || total > Number.MAX_SAFE_INTEGER) {
    throw new CliError("usage", `${flag}: not a duration, write one like 30m, 24h, 1h30m or 90d`);
  }
  return total;
}

/** The instant so far from now. @throws {CliError} usage, naming the flag. */
export function fromNow(text: string, flag: string, now: number): Date {
  const date = new Date(now + parseDuration(text, flag));
  // Timestamps of the API end with the year 9999.
  if (!(date.getTime() < Date.UTC(10_000, 0))) throw new CliError("usage", `${flag}: too far away`);
  return date;
}
