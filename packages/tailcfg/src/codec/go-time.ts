/** Go's zero time as `encoding/json` writes it. */
export const goZeroTime = "0001-01-01T00:00:00Z";

/** Milliseconds since the epoch, or undefined for Go's zero time, `""`, null and absent. @throws {DecodeError} */
export function parseGoTime(value: unknown, field: string): number | undefined {
  if (value === undefined || value === null || value === "") return undefined;
  if (typeof value !== "string") throw new DecodeError("bad-field", field);
  const ms = Date.parse(value);
  if (Number.isNaN(ms)) throw new DecodeError("bad-field", field);
  return ms < -62_000_000_000_000 ? undefined : ms;
}

/** RFC 3339 in UTC, as Go reads it. */
export function formatGoTime(ms: number): string {
  return new Date(ms).toISOString();
}

/** A message does not decode; `field` names what is wrong and never quotes its value. */
export class DecodeError extends Error {
  override readonly name = "DecodeError";
  readonly code: "not-json" | "not-an-object" | "bad-field" | "too-long";
  readonly field: string;
  constructor(code: DecodeError["code"], field: string, options?: ErrorOptions) {
    super(
      {
        "not-json": "body is not JSON",
        "not-an-object": "body is not a JSON object",
        "bad-field": `field ${field} is malformed`,
        "too-long": `${field} is too long`,
      }[code],
      options,
    );
    this.code = code;
    this.field = field;
  }
}
