import type { DescEnum, DescField, DescMessage, DescMethod, Registry } from "@bufbuild/protobuf";
import { getOption, ScalarType } from "@bufbuild/protobuf";
import { http } from "@headscale/gen/google/api/annotations_pb.ts";

/** The contract's facts, one a line: messages' fields, enums' values, services' methods with their routes. Sorted. */
export function contractTable(registry: Registry): string[] {
  const lines: string[] = [];
  for (const type of registry) {
    if (!type.typeName.startsWith("headscale.v1.")) continue;
    if (type.kind === "message") lines.push(...messageLines(type));
    if (type.kind === "enum") lines.push(...enumLines(type));
    if (type.kind === "service") lines.push(...type.methods.map(methodLine));
  }
  return lines.sort();
}

function messageLines(message: DescMessage): string[] {
  const reserved = message.proto.reservedRange.map(({ start, end }) => `reserved ${start}..${end - 1}`);
  return [`message ${message.typeName}`, ...[...message.fields.map(fieldType), ...reserved].map(prefix(message))];
}

function enumLines(type: DescEnum): string[] {
  return type.values.map((value) => `${value.name} = ${value.number}`).map(prefix(type));
}

function prefix(type: { typeName: string }): (line: string) => string {
  return (line) => `${type.typeName}: ${line}`;
}

function fieldType(field: DescField): string {
  const element = field.message?.typeName ?? field.enum?.typeName ?? scalarName(field);
  const shape = field.fieldKind === "list" ? "repeated " : field.fieldKind === "map" ? "map to " : "";
  return `${field.name} = ${field.number} ${shape}${element} json ${field.jsonName}`;
}

function scalarName(field: DescField): string {
  const scalar = Object.entries(ScalarType).find(([, number]) => number === field.scalar);
  return scalar?.[0].toLowerCase() ?? "?";
}

function methodLine(method: DescMethod): string {
  const rule = getOption(method, http);
  const route = `${rule.pattern.case?.toUpperCase()} ${rule.pattern.value}${rule.body === "" ? "" : ` body ${rule.body}`}`;
  return `${method.parent.typeName}.${method.name}(${method.input.name}) ${method.output.name} ${method.methodKind} ${route}`;
}
