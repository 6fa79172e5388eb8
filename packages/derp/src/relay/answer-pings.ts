import type { WebSocket } from "ws";
import { MAX_WEBSOCKET_MESSAGE_BYTES } from "#protocol.ts";
import { TokenBucket } from "./token-bucket.ts";

/** Browsers send none, programs and proxies one in many seconds. */
const pingBurst = 64;
const pingsPerSecond = 1;

/**
 * Answers a WebSocket's pings, and hangs up on one that sends more than anybody needs or does not read the answers: `ws`
 * itself would go on for ever, and its answers have no bound.
 */
export function answerPings(socket: WebSocket): void {
  const pings = new TokenBucket(pingsPerSecond, pingBurst, performance.now());
  socket.on("ping", (data) => {
    if (!pings.take(performance.now()) || socket.bufferedAmount > MAX_WEBSOCKET_MESSAGE_BYTES) socket.terminate();
    else socket.pong(data);
  });
}
