import type { DescField, DescMessage } from "@bufbuild/protobuf";
import { ScalarType } from "@bufbuild/protobuf";

export type Schema = { readonly [key: string]: unknown };

/** JSON forms of protobuf's well-known types. */
const wellKnown: Readonly<Record<string, Schema>> = {
  "google.protobuf.Timestamp": { type: ["string", "null"], format: "date-time" },
  "google.protobuf.Duration": { type: ["string", "null"], examples: ["0.25s"] },
  "google.protobuf.Struct": { type: ["object", "null"], additionalProperties: true },
};

const scalars: Partial<Record<ScalarType, Schema>> = {
  [ScalarType.BOOL]: { type: "boolean" },
  [ScalarType.STRING]: { type: "string" },
  [ScalarType.BYTES]: { type: "string", contentEncoding: "base64" },
  [ScalarType.FLOAT]: { type: "number", format: "float" },
  [ScalarType.DOUBLE]: { type: "number", format: "double" },
  [ScalarType.INT32]: { type: "integer", format: "int32" },
  [ScalarType.UINT32]: { type: "integer", format: "uint32" },
  // JavaScript's numbers cannot hold these.
  [ScalarType.INT64]: { type: "string", format: "int64" },
  [ScalarType.UINT64]: { type: "string", format: "uint64" },
};

/** A message's field in the JSON form that `toContractJson` writes. */
export function fieldSchema(field: DescField): Schema {
  if (field.fieldKind === "list") return { type: "array", items: elementSchema(field) };
  if (field.fieldKind === "map") return { type: "object", additionalProperties: elementSchema(field) };
  const element = elementSchema(field);
  return "$ref" in element ? { anyOf: [element, { type: "null" }] } : element;
}

function elementSchema(field: DescField): Schema {
  if (field.enum) return { type: "string", enum: field.enum.values.map(({ name }) => name) };
  if (field.message) return wellKnown[field.message.typeName] ?? reference(field.message);
  return (field.scalar && scalars[field.scalar]) ?? {};
}

export function reference(message: DescMessage): Schema {
  return { $ref: `#/components/schemas/${message.name}` };
}

/** Schemas of the messages and of all they mention, by name. Replies have every field, requests only what is said. */
export function messageSchemas(roots: Iterable<DescMessage>): Record<string, Schema> {
  const schemas = new Map<string, Schema>();
  const visit = (message: DescMessage) => {
    if (schemas.has(message.name) || message.typeName in wellKnown) return;
    const optional = message.name.endsWith("Request");
    const required = message.fields.filter(({ oneof }) => !optional && oneof === undefined);
    schemas.set(message.name, {
      type: "object",
      properties: Object.fromEntries(message.fields.map((field) => [field.jsonName, fieldSchema(field)])),
      ...(required.length > 0 && { required: required.map(({ jsonName }) => jsonName) }),
    });
    for (const field of message.fields) if (field.message) visit(field.message);
  };
  for (const root of roots) visit(root);
  return Object.fromEntries([...schemas].sort(([a], [b]) => (a < b ? -1 : 1)));
}
