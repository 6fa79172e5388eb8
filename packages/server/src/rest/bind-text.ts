import type { DescField, DescMessage, JsonObject, JsonValue } from "@bufbuild/protobuf";
import { ScalarType } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";

/** Messages whose JSON form is one string, so that a path or query can carry them. */
const textual = new Set([
  "google.protobuf.Timestamp",
  "google.protobuf.Duration",
  "google.protobuf.FieldMask",
  "google.protobuf.StringValue",
  "google.protobuf.Int64Value",
  "google.protobuf.UInt64Value",
]);

/** What Go's strconv.ParseBool takes, which grpc-gateway reads queries with. */
const booleans = new Map<string, boolean>([
  ...["1", "t", "T", "true", "TRUE", "True"].map((text) => [text, true] as const),
  ...["0", "f", "F", "false", "FALSE", "False"].map((text) => [text, false] as const),
]);

/** A field by its proto or its JSON name. */
export function fieldNamed(schema: DescMessage, name: string): DescField | undefined {
  return schema.fields.find((field) => field.name === name || field.jsonName === name);
}

/**
 * Sets the field at a dotted path of proto or JSON names to the texts given for it, in the JSON form of `schema`.
 * @returns false when there is no such field.
 * @throws {ConnectError} InvalidArgument when the texts cannot be the field's value; never quoting them.
 */
export function bindText(target: JsonObject, schema: DescMessage, path: string, texts: readonly string[]): boolean {
  const [name = "", ...rest] = path.split(".");
  const field = fieldNamed(schema, name);
  if (field === undefined) return false;
  if (rest.length > 0) {
    if (field.fieldKind !== "message") return false;
    const given = target[field.jsonName] ?? null;
    const inner = typeof given === "object" && !Array.isArray(given) ? { ...given } : {};
    target[field.jsonName] = inner;
    return bindText(inner, field.message, rest.join("."), texts);
  }
  // One field, one value: the other spelling may not linger beside this one.
  delete target[field.name];
  target[field.jsonName] = fieldValue(field, path, texts);
  return true;
}

function fieldValue(field: DescField, path: string, texts: readonly string[]): JsonValue {
  if (field.fieldKind === "list") return texts.map((text) => singleValue(field, path, text));
  const [text = "", ...more] = texts;
  if (more.length > 0) throw new ConnectError(`field ${path}: given more than once`, Code.InvalidArgument);
  return singleValue(field, path, text);
}

function singleValue(field: DescField, path: string, text: string): JsonValue {
  if (field.fieldKind === "map" || (field.message !== undefined && !textual.has(field.message.typeName))) {
    throw new ConnectError(`field ${path}: cannot be given in a path or query`, Code.InvalidArgument);
  }
  if (field.scalar === ScalarType.BOOL) {
    const value = booleans.get(text);
    if (value === undefined) throw new ConnectError(`field ${path}: expected true or false`, Code.InvalidArgument);
    return value;
  }
  if (field.enum !== undefined && /^\d+$/.test(text)) return Number(text);
  return text;
}
