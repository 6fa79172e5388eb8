import { constants, type Http2Server, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import type { EdgeLimits } from "./limits.ts";
import { UntakenAnswers } from "./untaken-answers.ts";

/** A peer that has not even begun to speak HTTP/2 by then is none. */
export function expectSettings(session: ServerHttp2Session, withinMs: number): void {
  const late = setTimeout(() => session.destroy(), withinMs).unref();
  const stop = () => clearTimeout(late);
  session.once("remoteSettings", stop).once("close", stop);
}

/** Node's own timeout also ends a session whose streams are merely quiet, like a watch without news. */
export function closeWhenIdle(session: ServerHttp2Session, idleMs: number): void {
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
export function limitControlFrames(
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

/** What may still come of a body whose request is answered: its sender cannot know yet. */
const lateBytes = 65_536;

/** Ends streams on which nothing more will be said: bodies that go on after the answer, answers that nobody takes. */
export function endSpentStreams(server: Http2Server, answerMs: number): void {
  const untaken = new UntakenAnswers<ServerHttp2Stream>(answerMs, (stream) =>
    stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM),
  );
  server.on("stream", (stream) => {
    untaken.add(stream);
    stream.once("finish", () => {
      if (!stream.readableEnded) discardRest(stream, answerMs);
    });
  });
}

/** RFC 9113 §8.1: whoever is answered may stop sending. Told only when it matters, as some clients take it for a failure. */
function discardRest(stream: ServerHttp2Stream, withinMs: number): void {
  const enough = () => stream.close(constants.NGHTTP2_NO_ERROR);
  const late = setTimeout(enough, withinMs).unref();
  let left = lateBytes;
  stream
    .once("close", () => clearTimeout(late))
    .on("data", (chunk: Buffer) => {
      left -= chunk.length;
      if (left < 0) enough();
    });
  stream.resume();
}
