import type { DescMessage, JsonObject, JsonValue, Message } from "@bufbuild/protobuf";
import { fromJson, ScalarType } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { bindText, fieldNamed } from "./bind-text.ts";
import type { Route } from "./routes.ts";

/** What an HTTP request says, beside its verb. */
export interface SpokenRequest {
  /** From the path, percent-encoded, by proto field name. */
  readonly bound: ReadonlyMap<string, string>;
  readonly query: URLSearchParams;
  readonly contentType: string;
  readonly body: string;
}

/**
 * The RPC's request message. The path wins over the query, and the query over a body. Unknown fields are ignored, an
 * empty body is an empty message. Source: grpc-gateway v2 as headscale@v0.29.2 used it.
 *
 * Where the annotation knows no body, one is still read: headscale@f20f1f12 takes the expiry of a node from a JSON body,
 * and 0.29 merged form fields. Such a body must be well-formed: an expiry that is silently ignored logs a node out.
 * @throws {ConnectError} InvalidArgument, naming the field and never quoting a value.
 */
export function requestMessage(route: Route, said: SpokenRequest): Message {
  const schema = route.method.input;
  const json = bodyFields(route, said);
  // With body "*" every field that the path does not bind belongs to the body (google/api/http.proto).
  if (route.body !== "*") {
    for (const name of new Set(said.query.keys())) bindText(json, schema, name, said.query.getAll(name));
  }
  for (const [name, encoded] of said.bound) bindText(json, schema, name, [decodeSegment(name, encoded)]);
  try {
    return fromJson(schema, json, { ignoreUnknownFields: true });
  } catch {
    throw refusal(schema, json);
  }
}

function bodyFields(route: Route, said: SpokenRequest): JsonObject {
  if (said.body.trim() === "") return {};
  if (route.body === "" && route.verb === "GET") return {};
  if (route.body === "" && said.contentType.startsWith("application/x-www-form-urlencoded")) {
    const form = new URLSearchParams(said.body);
    const json: JsonObject = {};
    for (const name of new Set(form.keys())) bindText(json, route.method.input, name, form.getAll(name));
    return json;
  }
  const value = parseJson(said.body);
  if (route.body !== "" && route.body !== "*") return { [route.body]: value };
  if (value === null) return {};
  if (typeof value !== "object" || Array.isArray(value)) {
    throw new ConnectError("body: expected a JSON object", Code.InvalidArgument);
  }
  return { ...value };
}

function parseJson(text: string): JsonValue {
  try {
    return JSON.parse(text);
  } catch {
    throw new ConnectError("body: not valid JSON", Code.InvalidArgument);
  }
}

function decodeSegment(field: string, encoded: string): string {
  try {
    return decodeURIComponent(encoded);
  } catch {
    throw new ConnectError(`field ${field}: not valid percent-encoding`, Code.InvalidArgument);
  }
}

/** protobuf's own error quotes the value, which may be a secret in the wrong box; this one says only which and what. */
function refusal(schema: DescMessage, json: JsonObject): ConnectError {
  const culprit = Object.entries(json).find(([name, value]) => !decodes(schema, { [name]: value }));
  const field = culprit && fieldNamed(schema, culprit[0]);
  if (field === undefined) return new ConnectError("the request does not fit the message", Code.InvalidArgument);
  const scalar = Object.entries(ScalarType)
    .find(([, number]) => number === field.scalar)?.[0]
    .toLowerCase();
  const expected = scalar ?? field.enum?.name ?? field.message?.name ?? field.fieldKind;
  const list = field.fieldKind === "list" ? "a list of " : "";
  return new ConnectError(`field ${field.jsonName}: expected ${list}${expected}`, Code.InvalidArgument);
}

function decodes(schema: DescMessage, json: JsonObject): boolean {
  try {
    fromJson(schema, json, { ignoreUnknownFields: true });
    return true;
  } catch {
    return false;
  }
}
