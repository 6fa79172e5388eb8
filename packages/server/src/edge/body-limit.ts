import { EventEmitter } from "node:events";
import { constants } from "node:http2";
import { abandon, answerText, type EdgeRequest, type EdgeResponse } from "./http-message.ts";
import type { EdgeLimits } from "./limits.ts";

/**
 * Bounds a request's body. False: it announced too much and has been answered 413. A body that turns out longer, or
 * (HTTP/2, where Node has no such limit) slower than allowed, loses its stream; HTTP/1.1 its connection.
 */
export function admitBody(
  request: EdgeRequest,
  response: EdgeResponse,
  { bodyBytes, bodyMs }: Pick<EdgeLimits, "bodyBytes" | "bodyMs">,
): boolean {
  if (Number(request.headers["content-length"] ?? 0) > bodyBytes) {
    refuse(request, response, bodyBytes);
    return false;
  }
  if (request.httpVersionMajor === 2 && !request.readableEnded) limitTime(request, bodyMs);
  countBytes(request, bodyBytes);
  return true;
}

function refuse(request: EdgeRequest, response: EdgeResponse, bodyBytes: number): void {
  const closing = request.httpVersionMajor === 1 ? { connection: "close" } : undefined;
  answerText(response, 413, `A request body may have ${bodyBytes} bytes.`, closing);
}

function limitTime(request: EdgeRequest, bodyMs: number): void {
  const tooSlow = setTimeout(() => giveUp(request), bodyMs).unref();
  const stop = () => clearTimeout(tooSlow);
  request.once("end", stop).once("close", stop);
}

function giveUp(request: EdgeRequest): void {
  abandon(request, constants.NGHTTP2_ENHANCE_YOUR_CALM);
}

/** Listening past Readable's own `on`, which would start the flow before the handler is ready for it. */
function countBytes(request: EdgeRequest, bodyBytes: number): void {
  let bytes = 0;
  EventEmitter.prototype.prependListener.call(request, "data", (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > bodyBytes) giveUp(request);
  });
}
