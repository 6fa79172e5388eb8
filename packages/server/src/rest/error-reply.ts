import { STATUS_CODES } from "node:http";
import type { JsonValue } from "@bufbuild/protobuf";
import { Code, type ConnectError } from "@connectrpc/connect";

/** gRPC's codes as HTTP's. Source: grpc-gateway v2 runtime/errors.go, which headscale@v0.29.2 answered with. */
export const httpStatusOf = {
  [Code.Canceled]: 499,
  [Code.Unknown]: 500,
  [Code.InvalidArgument]: 400,
  [Code.DeadlineExceeded]: 504,
  [Code.NotFound]: 404,
  [Code.AlreadyExists]: 409,
  [Code.PermissionDenied]: 403,
  [Code.ResourceExhausted]: 429,
  [Code.FailedPrecondition]: 400,
  [Code.Aborted]: 409,
  [Code.OutOfRange]: 400,
  [Code.Unimplemented]: 501,
  [Code.Internal]: 500,
  [Code.Unavailable]: 503,
  [Code.DataLoss]: 500,
  [Code.Unauthenticated]: 401,
} satisfies Record<Code, number>;

/** One object for both families of clients: gRPC's status (headscale 0.29) and RFC 9457's problem (later ones). */
export interface ErrorBody {
  readonly code: number;
  readonly message: string;
  readonly details: readonly JsonValue[];
  readonly type: "about:blank";
  readonly title: string;
  readonly status: number;
  readonly detail: string;
}

export function errorBody(error: ConnectError, status: number = httpStatusOf[error.code]): ErrorBody {
  return {
    code: error.code,
    message: error.rawMessage,
    details: error.details.map(detailJson),
    type: "about:blank",
    title: STATUS_CODES[status] ?? "Client Closed Request",
    status,
    detail: error.rawMessage,
  };
}

/** `status` where HTTP has a better word than the code's. */
export function errorReply(error: ConnectError, accept: string, status?: number): Response {
  const body = errorBody(error, status);
  const headers = new Headers({ "content-type": errorContentType(accept), "cache-control": "no-store" });
  if (body.status === 401) headers.set("www-authenticate", 'Bearer realm="headscale"');
  const retryAfter = error.metadata.get("retry-after");
  if (retryAfter !== null) headers.set("retry-after", retryAfter);
  return new Response(`${JSON.stringify(body)}\n`, { status: body.status, headers });
}

function errorContentType(accept: string): string {
  return accept.includes("application/problem+json") ? "application/problem+json" : "application/json";
}

function detailJson(detail: ConnectError["details"][number]): JsonValue {
  if ("desc" in detail) return { "@type": `type.googleapis.com/${detail.desc.typeName}` };
  const value = Buffer.from(detail.value).toString("base64");
  return { "@type": `type.googleapis.com/${detail.type}`, value };
}
