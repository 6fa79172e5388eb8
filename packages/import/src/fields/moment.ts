const form = /^(\d{4})-(\d\d)-(\d\d)[ T](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?\s*(Z|[+-]\d\d(?::?\d\d)?)?(?: .*)?$/;

/**
 * ms since the epoch of a time as GORM's drivers store it: text such as `2024-05-01 09:30:00.123456789+02:00`, seconds,
 * or a Date. Go's zero time, which stands for none, is undefined. @throws {TypeError}
 */
export function momentOf(value: string | number | Date): number | undefined {
  const ms = typeof value === "string" ? fromText(value) : value instanceof Date ? value.getTime() : value * 1_000;
  if (!Number.isSafeInteger(Math.floor(ms))) throw new TypeError("not a time");
  // Nothing of headscale's is older than 1970, Go's zero time is the year 1.
  return ms <= 0 ? undefined : Math.floor(ms);
}

function fromText(text: string): number {
  const [whole, year, month, day, hour, minute, second, fraction = "", zone = "Z"] = form.exec(text) ?? [];
  if (whole === undefined) throw new TypeError("not a time");
  const offset = zone === "Z" ? "Z" : `${zone.slice(0, 3)}:${zone.replace(":", "").slice(3) || "00"}`;
  const ms = fraction.padEnd(3, "0").slice(0, 3);
  return Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}.${ms}${offset}`);
}
