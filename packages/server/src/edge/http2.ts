import {
  constants,
  createServer,
  type Http2Server,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type ServerHttp2Session,
} from "node:http2";
import type { EdgeLimits } from "./limits.ts";
import { watchUnexplainedBytes } from "./unexplained-bytes.ts";

export interface Http2Handlers {
  request(request: Http2ServerRequest, response: Http2ServerResponse): void;
  session(session: ServerHttp2Session): void;
  /** The peer broke the protocol or went over a limit; the session is closed already. */
  offence(session: ServerHttp2Session, code: string): void;
}

/** Other sessions' errors (a reset connection, say) are nobody's fault. */
const protocolError = /^(ERR_HTTP2|NGHTTP2)/;

/** An HTTP/2 server that never listens: sockets are handed to it by `emit("connection", socket)`. */
export function createHttp2(handlers: Http2Handlers, limits: EdgeLimits): Http2Server {
  const server = createServer({
    settings: { maxConcurrentStreams: limits.streams, maxHeaderListSize: limits.headerBytes },
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
    closeWhenIdle(session, limits.sessionIdleMs);
    limitControlFrames(session, limits.controlFrames, () => punish(session, "too-many-control-frames"));
  });
  watchUnexplainedBytes(server, limits.unexplainedBytes, (session) => punish(session, "refused-heads"));
  server.on("sessionError", (error: Error & { code?: string }, session) => {
    if (protocolError.test(error.code ?? "")) handlers.offence(session, error.code ?? "");
  });
  server.on("request", handlers.request);
  return server;
}

/** Node's own timeout also ends a session whose streams are merely quiet, like a watch without news. */
function closeWhenIdle(session: ServerHttp2Session, idleMs: number): void {
  let open = 0;
  session.on("stream", (stream) => {
    open++;
    stream.once("close", () => open--);
  });
  session.setTimeout(idleMs, () => {
    if (open === 0) session.close();
  });
}

/** Node answers these frames itself, as many as come, as long as the answers are read. */
function limitControlFrames(
  session: ServerHttp2Session,
  { burst, perSecond }: EdgeLimits["controlFrames"],
  exceeded: () => void,
): void {
  let tokens = burst;
  let since = performance.now();
  const count = () => {
    const now = performance.now();
    tokens = Math.min(burst, tokens + ((now - since) / 1_000) * perSecond) - 1;
    since = now;
    if (tokens >= 0 || session.destroyed) return;
    exceeded();
  };
  session.on("ping", count).on("remoteSettings", count);
}
