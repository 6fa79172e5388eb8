import { DecodeError } from "./decode-error.ts";

/** Go's zero time as `encoding/json` writes it. */
export const goZeroTime = "0001-01-01T00:00:00Z";

/** RFC 3339 as strictly as Go reads JSON. `Date.parse` alone takes `1` and `May 5` as well. */
const form = /^(\d{4}-\d{2}-(\d{2}))T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,9})?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$/;

/** Go writes no year beyond this, so neither may we: one such time would make a whole map unreadable. */
const lastMs = Date.UTC(9999, 11, 31, 23, 59, 59, 999);
/** Whatever lies before is the zero time in some offset. */
const firstMs = -62_000_000_000_000;

/** Milliseconds since the epoch, or undefined for Go's zero time, `""`, null and absent. @throws {DecodeError} */
export function parseGoTime(value: unknown, field: string): number | undefined {
  if (value === undefined || value === null || value === "") return undefined;
  const [text, date, day] = (typeof value === "string" && form.exec(value)) || [];
  const ms = Date.parse(text ?? "");
  // V8 rolls the 31st of April over to May; Go refuses it.
  const isDate = new Date(`${date}T00:00:00Z`).getUTCDate() === Number(day);
  if (!isDate || ms > lastMs) throw new DecodeError("bad-field", field);
  return ms < firstMs ? undefined : ms;
}

/** RFC 3339 in UTC, as Go reads it. `ms` between the years 0 and 9999. */
export function formatGoTime(ms: number): string {
  return new Date(ms).toISOString();
}
