import {
  constants,
  createServer,
  type Http2Server,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type ServerHttp2Session,
} from "node:http2";
import { closeWhenIdle, endSpentStreams, expectSettings, limitControlFrames } from "./http2-guards.ts";
import type { EdgeLimits } from "./limits.ts";
import { type Traffic, watchUnexplainedBytes } from "./unexplained-bytes.ts";

export interface Http2Handlers {
  request(request: Http2ServerRequest, response: Http2ServerResponse): void;
  session(session: ServerHttp2Session): void;
  /** The peer broke the protocol or went over a limit; the session is closed already. */
  offence(session: ServerHttp2Session, code: string): void;
}

/** Other sessions' errors (a reset connection, say) are nobody's fault. */
const protocolError = /^(ERR_HTTP2|NGHTTP2)/;

/** The limits that concern HTTP/2. */
export type Http2Limits = Pick<
  EdgeLimits,
  | "handshakeMs"
  | "streams"
  | "headerFields"
  | "headerBytes"
  | "resets"
  | "controlFrames"
  | "invalidFrames"
  | "rejectedStreams"
  | "unexplainedBytes"
  | "sessionIdleMs"
  | "bodyMs"
> & {
  /** Bytes of a body that may be under way; 65,535 when absent. */
  readonly windowBytes?: number;
};

/**
 * An HTTP/2 server that never listens: sockets are handed to it by `emit("connection", socket)`. `traffic` tells what has
 * gone over a session's wire; by default the bytes of its socket.
 */
export function createHttp2(
  handlers: Http2Handlers,
  limits: Http2Limits,
  traffic: (session: ServerHttp2Session) => Traffic = ofSocket,
): Http2Server {
  const { streams, headerBytes, windowBytes } = limits;
  const server = createServer({
    settings: {
      maxConcurrentStreams: streams,
      maxHeaderListSize: headerBytes,
      ...(windowBytes !== undefined && { initialWindowSize: windowBytes }),
    },
    maxHeaderListPairs: limits.headerFields,
    streamResetBurst: limits.resets.burst,
    streamResetRate: limits.resets.perSecond,
    maxSessionInvalidFrames: limits.invalidFrames,
    maxSessionRejectedStreams: limits.rejectedStreams,
  });
  const punish = (session: ServerHttp2Session, code: string) => {
    handlers.offence(session, code);
    session.destroy(undefined, constants.NGHTTP2_ENHANCE_YOUR_CALM);
  };
  server.on("session", (session) => {
    handlers.session(session);
    expectSettings(session, limits.handshakeMs);
    closeWhenIdle(session, limits.sessionIdleMs);
    limitControlFrames(session, limits.controlFrames, () => punish(session, "too-many-control-frames"));
  });
  endSpentStreams(server, limits.bodyMs);
  watchUnexplainedBytes(server, limits.unexplainedBytes, traffic, (session) => punish(session, "refused-heads"));
  server.on("sessionError", (error: Error & { code?: string }, session) => {
    if (protocolError.test(error.code ?? "")) handlers.offence(session, error.code ?? "");
  });
  server.on("request", handlers.request);
  return server;
}

function ofSocket({ socket }: ServerHttp2Session): Traffic {
  return { received: socket.bytesRead, sent: socket.bytesWritten };
}
