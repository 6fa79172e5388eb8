import type { Duplex } from "node:stream";

/**
 * Calls `ready` once the other side has said something; what it said is still to be read. A stream that stays silent for
 * `withinMs` is destroyed: until then it costs a stream, not an HTTP/2 session.
 */
export function awaitFirstBytes(stream: Duplex, withinMs: number, ready: () => void): void {
  const late = setTimeout(() => stream.destroy(), withinMs).unref();
  const stop = () => {
    clearTimeout(late);
    stream.off("data", hear).off("end", leave).off("close", stop);
  };
  const leave = () => {
    stop();
    stream.destroy();
  };
  const hear = (chunk: Buffer) => {
    stop();
    stream.pause();
    stream.unshift(chunk);
    ready();
  };
  stream.on("data", hear).on("end", leave).on("close", stop);
}
