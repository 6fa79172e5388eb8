import { type ServerOptions, type WebSocket, WebSocketServer } from "ws";
import { MAX_WEBSOCKET_MESSAGE_BYTES, WEBSOCKET_PROTOCOL } from "#protocol.ts";
import type { Source } from "./socket-transport.ts";
import type { Transport } from "./transport.ts";

const NORMAL = 1000;
const NOT_BINARY = 1003;

/** Takes WebSockets of DERP; one that we have closed may stay for `hangUpMs`. */
export function webSocketServer(hangUpMs: number): WebSocketServer {
  const options: ServerOptions & { readonly closeTimeout: number } = {
    noServer: true,
    perMessageDeflate: false, // relayed packets are encrypted, and Safari's compression is broken
    maxPayload: MAX_WEBSOCKET_MESSAGE_BYTES,
    autoPong: false, // it goes on, without bound, for a client that reads nothing
    closeTimeout: hangUpMs,
    handleProtocols: (offered) => (offered.has(WEBSOCKET_PROTOCOL) ? WEBSOCKET_PROTOCOL : false),
  };
  return new WebSocketServer(options);
}

/** A WebSocket whose binary messages carry the byte stream: frames and messages share no boundaries. */
export function webSocketTransport(socket: WebSocket, source: Source): Transport {
  return {
    remoteAddress: source.address,
    remotePort: source.port,
    open(onChunk, onEnd) {
      let cause: Error | undefined;
      socket.on("error", (error) => {
        cause = error;
      });
      socket.on("close", () => onEnd(cause));
      socket.on("message", (data: Buffer, isBinary: boolean) => {
        if (isBinary) onChunk(data);
        else socket.close(NOT_BINARY, "DERP is binary");
      });
    },
    write(bytes, done) {
      let at = 0;
      for (; bytes.length - at > MAX_WEBSOCKET_MESSAGE_BYTES; at += MAX_WEBSOCKET_MESSAGE_BYTES)
        socket.send(bytes.subarray(at, at + MAX_WEBSOCKET_MESSAGE_BYTES));
      socket.send(bytes.subarray(at), done);
    },
    pause: () => socket.pause(),
    resume: () => socket.resume(),
    destroy() {
      socket.close(NORMAL);
      // The closing handshake needs the other side, which may be what is broken.
      setTimeout(() => socket.terminate(), 1_000).unref();
    },
  };
}
