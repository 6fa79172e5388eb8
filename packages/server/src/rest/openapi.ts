import type { DescField, DescMessage } from "@bufbuild/protobuf";
import { fieldNamed } from "./bind-text.ts";
import { fieldSchema, messageSchemas, reference, type Schema } from "./openapi-schema.ts";
import type { Route } from "./routes.ts";

export interface Operation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly parameters: readonly Parameter[];
  readonly requestBody?: Schema;
  readonly responses: Schema;
}

export interface Parameter {
  readonly name: string;
  readonly in: "path" | "query";
  readonly required: boolean;
  readonly schema: Schema;
}

/** OpenAPI 3.1: paths, then verbs in lower case. */
export interface OpenApiDocument {
  readonly openapi: "3.1.0";
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  readonly security: readonly Schema[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: Schema;
}

/** The routes as an OpenAPI document. */
export function openApiDocument(routes: readonly Route[], version: string): OpenApiDocument {
  const paths: Record<string, Record<string, Operation>> = {};
  for (const route of [...routes].sort((a, b) => (a.path.text < b.path.text ? -1 : 1))) {
    const path = route.path.text.replace(/\{(\w+)\}/g, (_, name: string) => `{${jsonName(route, name)}}`);
    paths[path] = { ...paths[path], [route.verb.toLowerCase()]: operation(route) };
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "headscale admin API",
      version,
      description:
        "The admin services as REST. `tailnet` names the tailnet meant, empty the default one. " +
        "Field names are also understood in snake_case.",
    },
    security: [{ bearer: [] }],
    paths,
    components: {
      securitySchemes: { bearer: { type: "http", scheme: "bearer", description: "An API key." } },
      schemas: { ...messageSchemas(messagesOf(routes)), Error: errorSchema },
    },
  };
}

function* messagesOf(routes: readonly Route[]): Iterable<DescMessage> {
  for (const route of routes) {
    if (route.body !== "") yield route.method.input;
    yield route.method.output;
  }
}

function jsonName(route: Route, name: string): string {
  return fieldNamed(route.method.input, name)?.jsonName ?? name;
}

function operation(route: Route): Operation {
  const { method } = route;
  return {
    operationId: method.localName,
    tags: [method.parent.name.replace(/Service$/, "")],
    summary: summary(method.name),
    parameters: parameters(route),
    ...(route.body !== "" && { requestBody: { content: { "application/json": { schema: reference(method.input) } } } }),
    responses: {
      "200": { description: "Done", content: successContent(route) },
      default: {
        description: "Refused or failed",
        content: Object.fromEntries(
          ["application/json", "application/problem+json"].map((type) => [
            type,
            { schema: { $ref: "#/components/schemas/Error" } },
          ]),
        ),
      },
    },
  };
}

/** "BackfillNodeIPs" → "Backfill node IPs", "ListApiKeys" → "List API keys". */
function summary(name: string): string {
  const words = name.match(/[A-Z]{2,}s?|[A-Z][a-z]*/g) ?? [name];
  return words
    .map((word) => (word === "Api" ? "API" : word))
    .map((word, index) => (index === 0 || /^[A-Z]{2}/.test(word) ? word : word.toLowerCase()))
    .join(" ");
}

function parameters({ body, method, path }: Route): Parameter[] {
  const inPath = path.fields.flatMap((name) => fieldNamed(method.input, name) ?? []);
  const inQuery = body === "" ? method.input.fields.filter((field) => !inPath.includes(field)) : [];
  return [...inPath.map((field) => parameter(field, "path")), ...inQuery.map((field) => parameter(field, "query"))];
}

function parameter(field: DescField, where: Parameter["in"]): Parameter {
  return { name: field.jsonName, in: where, required: where === "path", schema: fieldSchema(field) };
}

function successContent({ method }: Route): Schema {
  const schema = reference(method.output);
  if (method.methodKind === "unary") return { "application/json": { schema } };
  const error = { $ref: "#/components/schemas/Error" };
  return { "application/x-ndjson": { schema: { type: "object", properties: { result: schema, error } } } };
}

const errorSchema: Schema = {
  type: "object",
  description: "gRPC's status and RFC 9457's problem in one.",
  properties: {
    code: { type: "integer", description: "gRPC's code" },
    message: { type: "string" },
    details: { type: "array", items: {} },
    type: { type: "string" },
    title: { type: "string" },
    status: { type: "integer", description: "HTTP's status" },
    detail: { type: "string" },
  },
  required: ["code", "message", "details", "type", "title", "status", "detail"],
};
