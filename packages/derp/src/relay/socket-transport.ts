import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Transport } from "./transport.ts";

/** Where a client comes from, when the socket's own address is a proxy's. */
export interface Source {
  readonly address: string;
  readonly port: number;
}

/** A socket (TCP, TLS, or any duplex stream) after its upgrade. */
export function socketTransport(socket: Duplex, tcpKeepAliveMs: number, source?: Source): Transport {
  const { remoteAddress = "", remotePort = 0 } = socket as Partial<Socket>;
  tune(socket as Partial<Socket>, tcpKeepAliveMs);
  return {
    remoteAddress: source?.address ?? remoteAddress,
    remotePort: source?.port ?? remotePort,
    open(onChunk, onEnd) {
      let cause: Error | undefined;
      socket.on("error", (error) => {
        cause = error;
      });
      socket.on("close", () => onEnd(cause));
      socket.on("end", () => socket.destroy());
      socket.on("data", onChunk);
      if (socket instanceof Socket) passStraightThrough(socket, onChunk);
    },
    // A kernel socket has copied (or encrypted) the bytes when it calls back; a stream in memory hands on the very buffer.
    write: (bytes, done) => {
      socket.write(socket instanceof Socket ? bytes : Buffer.from(bytes), done);
    },
    pause: () => {
      socket.pause();
    },
    resume: () => {
      socket.resume();
    },
    destroy: () => {
      socket.destroy();
    },
  };
}

/**
 * Hands chunks over as the kernel's socket pushes them, while its stream flows and holds none back. A readable stream schedules a
 * tick to look for more after each chunk; of TLS that is each record, so each packet, and dearer than all that the relay does with it.
 * What is pushed otherwise (when paused, or at the end) goes the stream's own way.
 */
function passStraightThrough(socket: Socket, onChunk: (chunk: Buffer) => void): void {
  const push = socket.push;
  socket.push = function (this: Socket, chunk: Buffer | null, ...rest: []): boolean {
    if (chunk === null || this.readableFlowing !== true || this.readableLength > 0)
      return push.call(this, chunk, ...rest);
    onChunk(chunk);
    return true;
  };
}

function tune(socket: Partial<Socket>, tcpKeepAliveMs: number): void {
  socket.setTimeout?.(0);
  socket.setNoDelay?.(true);
  socket.setKeepAlive?.(true, tcpKeepAliveMs);
}
