import { once } from "node:events";
import net from "node:net";
import type { Duplex } from "node:stream";
import tls from "node:tls";
import { DerpError } from "#derp-error.ts";
import { DerpClient, type DerpClientOptions } from "./derp-client.ts";

const MAX_ANSWER_BYTES = 8_192;
const HEAD_END = "\r\n\r\n";

export interface ConnectOptions extends DerpClientOptions {
  /** Dialled instead of the URL's host, whose name is still verified. */
  readonly dialHost?: string;
  readonly tls?: tls.ConnectionOptions;
  /** TCP, TLS, upgrade and login together. */
  readonly timeoutMs?: number;
}

/** Connects to the relay at an `https://` (or, in a trusted network, `http://`) URL and logs in. @throws {DerpError} */
export async function connectDerp(url: URL, options: ConnectOptions): Promise<DerpClient> {
  const socket = dial(url, options);
  socket.on("error", () => {}); // told by whatever awaits the socket
  const timer = setTimeout(
    () => socket.destroy(new DerpError("too-slow", `no login at ${url.host} in time`)),
    options.timeoutMs ?? 10_000,
  );
  try {
    await once(socket, url.protocol === "https:" ? "secureConnect" : "connect");
    const client = new DerpClient(socket, options, await upgrade(socket, url));
    await client.ready;
    return client;
  } catch (cause) {
    socket.destroy();
    throw cause instanceof DerpError ? cause : new DerpError("disconnected", `no login at ${url.host}`, { cause });
  } finally {
    clearTimeout(timer);
  }
}

function dial(url: URL, { dialHost, tls: tlsOptions }: ConnectOptions): net.Socket {
  const isSecure = url.protocol === "https:";
  const name = url.hostname.replace(/^\[(.*)\]$/, "$1");
  const target = { host: dialHost ?? name, port: Number(url.port || (isSecure ? 443 : 80)), noDelay: true };
  if (!isSecure) return net.connect(target);
  return tls.connect({ ...target, ...(net.isIP(name) === 0 && { servername: name }), ...tlsOptions });
}

/** Asks for the upgrade and returns what came behind the 101 answer. */
export async function upgrade(socket: Duplex, url: URL): Promise<Buffer> {
  const path = url.pathname === "/" ? "/derp" : url.pathname;
  socket.write(`GET ${path} HTTP/1.1\r\nHost: ${url.host}\r\nConnection: Upgrade\r\nUpgrade: DERP${HEAD_END}`);
  let answer = Buffer.alloc(0);
  for (;;) {
    await readable(socket);
    const chunk = socket.read() as Buffer | null;
    if (chunk === null) continue;
    answer = Buffer.concat([answer, chunk]);
    const end = answer.indexOf(HEAD_END);
    if (end >= 0) {
      if (!answer.subarray(0, end).toString("latin1").startsWith("HTTP/1.1 101 "))
        throw new DerpError("bad-upgrade", `${url.host} does not switch to DERP`);
      return answer.subarray(end + HEAD_END.length);
    }
    if (answer.length > MAX_ANSWER_BYTES) throw new DerpError("bad-upgrade", `${url.host} answers too much`);
  }
}

async function readable(socket: Duplex): Promise<void> {
  if (socket.readableLength > 0) return;
  const controller = new AbortController();
  const { signal } = controller;
  try {
    await Promise.race([
      once(socket, "readable", { signal }),
      once(socket, "close", { signal }).then(() => {
        throw new DerpError("disconnected", "the relay hung up");
      }),
    ]);
  } finally {
    controller.abort();
  }
}
