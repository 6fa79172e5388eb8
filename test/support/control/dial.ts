import { type IncomingMessage, request } from "node:http";
import type { Duplex } from "node:stream";
import { text } from "node:stream/consumers";
import {
  type EarlyPayload,
  encodeHandshakeHeader,
  handshakeHeader,
  Initiator,
  type InitiatorOptions,
  type NoiseSession,
  upgradePath,
  upgradeProtocol,
} from "@headscale/noise";
import { type NoiseDuplex, noiseDuplex } from "@headscale/noise/duplex";
import { createWebSocketStream, WebSocket } from "ws";
import { ClientFailure } from "./client-failure.ts";
import type { ControlServer } from "./control-server.ts";

/** How long clients try to connect. tailscale control/controlhttp/client.go@de9ec7ee */
const dialMs = 10_000;

/** What the handshake needs, the server's key apart. */
export type Caller = Omit<InitiatorOptions, "serverKey">;

export interface Dialled {
  readonly stream: NoiseDuplex;
  /** What the server said before HTTP/2; known once its first bytes have come. */
  readonly early: Promise<EarlyPayload | undefined>;
}

/** Opens one Noise connection: as a POST upgrade, or as a WebSocket like clients in browsers. */
export async function dial(server: ControlServer, caller: Caller, websocket: boolean): Promise<Dialled> {
  const initiator = new Initiator({ ...caller, serverKey: await server.key(caller.version) });
  const header = encodeHandshakeHeader(initiator.initiation);
  const upgraded = websocket ? await openWebSocket(server, header) : await upgrade(server, header);
  const { session, rest } = await finishHandshake(initiator, upgraded);
  const early = Promise.withResolvers<EarlyPayload | undefined>();
  const stream = noiseDuplex(upgraded.stream, session, { head: rest, onEarlyPayload: early.resolve });
  return { stream, early: early.promise };
}

interface Upgraded {
  readonly stream: Duplex;
  /** Bytes that came with the answer. */
  readonly head: Uint8Array;
}

async function upgrade(server: ControlServer, header: string): Promise<Upgraded> {
  const { promise, resolve, reject } = Promise.withResolvers<Upgraded>();
  const headers = {
    host: server.authority,
    upgrade: upgradeProtocol,
    connection: "upgrade",
    "content-length": "0",
    "user-agent": "Go-http-client/1.1",
    [handshakeHeader]: header,
  };
  const signal = AbortSignal.timeout(dialMs);
  request({ ...server.httpOptions, method: "POST", path: upgradePath, headers, signal })
    .on("upgrade", (response: IncomingMessage, stream: Duplex, head: Buffer) => {
      if (response.headers.upgrade === upgradeProtocol) return resolve({ stream, head });
      stream.destroy();
      reject(new ClientFailure("dial", `the server upgraded to ${response.headers.upgrade}`));
    })
    .on("response", (response) => {
      text(response).then((body) => {
        const { statusCode: status = 0 } = response;
        reject(new ClientFailure("status", `upgrade answered ${status}: ${body.slice(0, 200)}`, { status }));
      }, reject);
    })
    .on("error", (cause) => reject(new ClientFailure("dial", "can't connect to the control server", { cause })))
    .end();
  return promise;
}

async function openWebSocket(server: ControlServer, header: string): Promise<Upgraded> {
  const { promise, resolve, reject } = Promise.withResolvers<Upgraded>();
  const { socketPath, ...place } = server.place;
  // `ws` takes a socket path from the URL alone.
  const origin = socketPath ? `ws+unix:${socketPath}:` : `ws://${server.authority}`;
  const socket = new WebSocket(
    `${origin}${upgradePath}?${handshakeHeader}=${encodeURIComponent(header)}`,
    upgradeProtocol,
    { ...place, perMessageDeflate: false, handshakeTimeout: dialMs },
  );
  socket
    .on("open", () => resolve({ stream: createWebSocketStream(socket), head: new Uint8Array(0) }))
    .on("unexpected-response", (_, { statusCode: status = 0 }) => {
      reject(new ClientFailure("status", `WebSocket upgrade answered ${status}`, { status }));
    })
    .on("error", (cause) => reject(new ClientFailure("dial", "can't open a WebSocket", { cause })));
  return promise;
}

async function finishHandshake(
  initiator: Initiator,
  { stream, head }: Upgraded,
): Promise<{ session: NoiseSession; rest: Uint8Array }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ session: NoiseSession; rest: Uint8Array }>();
  const receive = (chunk: Uint8Array) => {
    try {
      const finished = initiator.push(chunk);
      if (!finished) return;
      stream.pause();
      resolve(finished);
    } catch (error) {
      reject(error);
    }
  };
  const fail = (cause?: Error) => reject(new ClientFailure("dial", "the connection broke in the handshake", { cause }));
  const timer = setTimeout(fail, dialMs);
  stream.on("data", receive).on("error", fail).on("close", fail);
  receive(head);
  try {
    return await promise;
  } catch (error) {
    stream.destroy();
    throw error;
  } finally {
    clearTimeout(timer);
    stream.off("data", receive).off("error", fail).off("close", fail);
  }
}
