import type { DNSRecord } from "@headscale/tailcfg";

export class ExtraRecordsError extends Error {
  override readonly name = "ExtraRecordsError";
  readonly code: "bad-json" | "bad-record" | "too-many";
  constructor(code: ExtraRecordsError["code"], message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}

/**
 * Reads the JSON of `dns.extra_records_path`: `[{"Name","Type","Value"}]` in any letter case, duplicates dropped.
 * `undefined` for an empty file, which upstream ignores because editors write one on their way.
 * @param maxRecords in one file: every client gets all of them.
 * @throws {ExtraRecordsError}
 */
export function parseExtraRecords(text: string, maxRecords: number): readonly DNSRecord[] | undefined {
  if (text.trim() === "") return undefined;
  const parsed = parseJson(text);
  if (!Array.isArray(parsed)) throw new ExtraRecordsError("bad-json", "extra records: must be a JSON list");
  if (parsed.length > maxRecords)
    throw new ExtraRecordsError("too-many", `extra records: more than ${maxRecords} (limits.extra_records)`);
  const records = new Map<string, DNSRecord>();
  for (const [index, entry] of parsed.entries()) {
    const record = parseRecord(entry, index);
    records.set(`${record.Name}\0${record.Type}\0${record.Value}`, record);
  }
  return [...records.values()];
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ExtraRecordsError("bad-json", "extra records: not valid JSON", cause);
  }
}

function parseRecord(entry: unknown, index: number): DNSRecord {
  const fields = new Map(
    Object.entries(typeof entry === "object" && entry !== null ? entry : {}).map(([name, value]) => [
      name.toLowerCase(),
      value,
    ]),
  );
  const field = (name: string, isOptional: boolean): string => {
    const value: unknown = fields.get(name) ?? (isOptional ? "" : undefined);
    if (typeof value === "string" && (isOptional || value !== "")) return value;
    throw new ExtraRecordsError("bad-record", `extra records: entry ${index} must have a text as ${name}`);
  };
  return { Name: field("name", false), Type: field("type", true), Value: field("value", false) };
}
