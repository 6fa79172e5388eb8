import type { IncomingMessage, ServerResponse } from "node:http";
import { ConnectError, type ContextValues } from "@connectrpc/connect";
import type { UniversalHandler } from "@connectrpc/connect/protocol";
import { universalRequestFromNodeRequest, universalResponseToNodeResponse } from "@connectrpc/connect-node";
import type { RequestHandler } from "./doors.ts";
import { closeAfterAnswer, unreadCall } from "./unread-call.ts";

export interface RpcDoorOptions {
  readonly handlers: readonly UniversalHandler[];
  contextValues(request: Parameters<RequestHandler>[0]): ContextValues;
  /** Whether the services are going to refuse the caller, whatever the call is about. */
  refuses(request: Parameters<RequestHandler>[0]): Promise<boolean>;
  /** Gets what is no RPC. */
  readonly fallback: RequestHandler;
  /** A call could be neither answered nor refused. */
  onFailed(procedure: string, error: unknown): void;
}

/** Serves Connect, gRPC and gRPC-Web; connect's own adapter would write on the console whenever a reader hangs up. */
export function rpcDoor({ handlers, contextValues, refuses, fallback, onFailed }: RpcDoorOptions): RequestHandler {
  const byPath = new Map(handlers.map((handler) => [handler.requestPath, handler]));
  return (request, response) => {
    const handler = byPath.get(request.url?.split("?", 1)[0] ?? "");
    if (!handler) return fallback(request, response);
    // Both are what Node gives for HTTP/1.1 and, compatibly, for HTTP/2.
    const [asked, answer] = [request as IncomingMessage, response as ServerResponse];
    nameable(request);
    const call = universalRequestFromNodeRequest(asked, answer, undefined, contextValues(request));
    return refuses(request)
      .then((isRefused) => {
        if (isRefused) closeAfterAnswer(asked, answer);
        return handler(isRefused && asked.method === "POST" ? unreadCall(call) : call);
      })
      .then((reply) => universalResponseToNodeResponse(reply, answer))
      .catch((error: unknown) => {
        if (!isHangUp(error)) onFailed(handler.requestPath, error);
        answer.destroy();
      });
  };
}

/**
 * Gives a call whose authority no URL can have another one; no procedure reads it. headscale dials a unix socket by its
 * path, which grpc-go then percent-encodes as the authority (grpc-go v1.81.1, clientconn.go, encodeAuthority).
 */
function nameable({ headers }: Parameters<RequestHandler>[0]): void {
  for (const name of [":authority", "host"]) {
    if (headers[name] !== undefined && !URL.canParse(`http://${headers[name]}`)) headers[name] = "localhost";
  }
}

/** Node's own errors on the way out: the reader is gone. */
function isHangUp(error: unknown): boolean {
  const { cause } = ConnectError.from(error);
  return cause instanceof Error && "code" in cause;
}
