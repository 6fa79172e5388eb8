import type { IncomingMessage, ServerResponse } from "node:http";
import type { UniversalServerRequest } from "@connectrpc/connect/protocol";

/** A body of this size may still come after its answer, for the sake of the connection. */
const lateBytes = 65_536;

/** Header fields that describe the body. */
const bodyFields = ["content-encoding", "content-length", "grpc-encoding", "connect-content-encoding"];

/**
 * A call that is going to be refused, with the smallest message of its protocol in place of its body: the services put the
 * refusal into the words of the protocol, and nobody reads what a stranger sends.
 */
export function unreadCall(call: UniversalServerRequest): UniversalServerRequest {
  const header = new Headers(call.header);
  for (const name of bodyFields) header.delete(name);
  return { ...call, header, body: once(smallestMessage(header.get("content-type") ?? "")) };
}

/** Ends an HTTP/1.1 connection with its answer when much of a body would follow. HTTP/2 resets the stream by itself. */
export function closeAfterAnswer(request: IncomingMessage, response: ServerResponse): void {
  if (request.httpVersionMajor !== 1) return;
  const length = request.headers["content-length"];
  const mayBeLong = request.headers["transfer-encoding"] !== undefined || Number(length ?? 0) > lateBytes;
  if (mayBeLong) response.shouldKeepAlive = false;
}

/** Source: the media types of gRPC (PROTOCOL-HTTP2, PROTOCOL-WEB) and Connect. */
function smallestMessage(contentType: string): Uint8Array {
  const message = Buffer.from(/[+/]json\b/.test(contentType) ? "{}" : "");
  const isEnveloped = /^application\/(grpc|connect\+)/.test(contentType);
  return isEnveloped ? Buffer.concat([Buffer.from([0, 0, 0, 0, message.length]), message]) : message;
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
