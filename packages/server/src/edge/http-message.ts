import type { IncomingMessage, ServerResponse } from "node:http";
import { constants, Http2ServerRequest, type Http2ServerResponse } from "node:http2";

/** A request of either HTTP version; both adapters in use (Hono, Connect) take both. */
export type EdgeRequest = IncomingMessage | Http2ServerRequest;
export type EdgeResponse = ServerResponse | Http2ServerResponse;
export type RequestHandler = (request: EdgeRequest, response: EdgeResponse) => unknown;

/** A whole answer. */
export function answer(response: EdgeResponse, status: number, headers: Record<string, string>, body: string): void {
  response.statusCode = status;
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  response.end(body);
}

/** A short text answer. */
export function answerText(
  response: EdgeResponse,
  status: number,
  text: string,
  headers: Record<string, string> = {},
): void {
  answer(response, status, { "content-type": "text/plain; charset=utf-8", ...headers }, `${text}\n`);
}

/** Gives up on a request whose answer cannot be mended: resets the HTTP/2 stream, ends the HTTP/1.1 connection. */
export function abandon(request: EdgeRequest, code: number = constants.NGHTTP2_INTERNAL_ERROR): void {
  // Destroying an HTTP/2 request object leaves its stream open.
  if (request instanceof Http2ServerRequest) request.stream.close(code);
  else request.destroy();
}

/** Runs `handler`; whatever it throws, now or later, becomes a 500 or an ended connection, and is told to `failed`. */
export function runHandler(
  handler: RequestHandler,
  request: EdgeRequest,
  response: EdgeResponse,
  failed: (error: unknown) => void,
): void {
  // HTTP/2 messages emit "error" for a stream that a peer reset; unheard, it would end the process.
  request.on("error", () => {});
  response.on("error", () => {});
  const fail = (error: unknown) => {
    failed(error);
    try {
      if (response.headersSent) return abandon(request);
      // What the handler has set so far may be what cannot be sent.
      for (const name of response.getHeaderNames()) response.removeHeader(name);
      answerText(response, 500, "Internal server error");
    } catch {
      abandon(request); // a rejection that nobody hears would end the process
    }
  };
  try {
    Promise.resolve(handler(request, response)).catch(fail);
  } catch (error) {
    fail(error);
  }
}
