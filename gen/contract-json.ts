import type { DescField, DescMessage, JsonObject, JsonValue, MessageShape } from "@bufbuild/protobuf";
import { toJson } from "@bufbuild/protobuf";

/**
 * A message as headscale's REST API and command line write it: lowerCamelCase names, 64-bit integers as strings, enums by
 * name, timestamps in RFC 3339; every field is there, `null` standing for an unset message or timestamp, in the order of
 * the contract. Only `optional` fields are left out while unset. Source: grpc-gateway v2's defaults, headscale@v0.29.2.
 */
export function toContractJson<D extends DescMessage>(schema: D, message: MessageShape<D>): JsonValue {
  return complete(schema, toJson(schema, message, { alwaysEmitImplicit: true }));
}

/** Fills in what protobuf's JSON leaves out. Well-known types have forms of their own and stay as they are. */
function complete(schema: DescMessage, json: JsonValue): JsonValue {
  if (schema.typeName.startsWith("google.protobuf.")) return json;
  const given = json as JsonObject;
  const whole: JsonObject = {};
  for (const field of schema.fields) {
    const value = given[field.jsonName];
    if (value !== undefined) whole[field.jsonName] = completeField(field, value);
    else if (field.fieldKind === "message" && field.oneof === undefined) whole[field.jsonName] = null;
  }
  return whole;
}

function completeField(field: DescField, value: JsonValue): JsonValue {
  const schema = field.message;
  if (schema === undefined) return value;
  if (field.fieldKind === "list") return (value as JsonValue[]).map((item) => complete(schema, item));
  if (field.fieldKind === "map") {
    return Object.fromEntries(
      Object.entries(value as JsonObject).map(([key, item]) => [key, complete(schema, item as JsonValue)]),
    );
  }
  return complete(schema, value);
}
