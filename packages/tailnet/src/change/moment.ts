import { TailnetError } from "#tailnet-error.ts";

/** End of the year 9999: neither Go nor protobuf's JSON writes a later time, and one of those makes a whole list unreadable. */
const lastMoment = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

/** `at`, ms since the epoch. @throws {TailnetError} "argument-invalid" outside the years 1970 to 9999 */
export function assertMoment(at: number, field: string): number {
  if (!Number.isFinite(at) || at < 0 || at > lastMoment) {
    throw new TailnetError("argument-invalid", `${field}: give a time between the years 1970 and 9999`);
  }
  return at;
}
