import { type DescField, type DescMessage, type JsonValue, type MessageShape, toJson } from "@bufbuild/protobuf";

/**
 * A message as headscale up to 0.29 prints it: Go's encoding/json over the generated structs. Names are in snake_case,
 * what is empty is left out, ids and enums are numbers, times are `{seconds, nanos}`.
 * Source: headscale v0.29.2 cmd/headscale/cli/utils.go.
 */
export function toGoJson<D extends DescMessage>(schema: D, message: MessageShape<D>): { [name: string]: JsonValue } {
  const values = message as unknown as Readonly<Record<string, unknown>>;
  const shown: { [name: string]: JsonValue } = {};
  for (const field of schema.fields) {
    const value = values[field.localName];
    if (!isEmpty(value)) shown[field.name] = fieldJson(field, value);
  }
  return shown;
}

function isEmpty(value: unknown): boolean {
  return (
    value === undefined ||
    value === "" ||
    value === false ||
    value === 0 ||
    value === 0n ||
    (Array.isArray(value) && value.length === 0)
  );
}

function fieldJson(field: DescField, value: unknown): JsonValue {
  if (Array.isArray(value)) return value.map((one) => oneJson(field, one));
  return oneJson(field, value);
}

function oneJson({ message }: DescField, value: unknown): JsonValue {
  if (typeof value === "bigint") return Number(value);
  if (message === undefined) return value as JsonValue;
  // Well-known types but the time are not in headscale's own messages.
  if (message.typeName === "google.protobuf.Struct") return value as JsonValue;
  if (message.typeName.startsWith("google.protobuf.") && message.typeName !== "google.protobuf.Timestamp") {
    return toJson(message, value as never);
  }
  return toGoJson(message, value as never);
}
