import { randomBytes } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { answerPings } from "@headscale/derp";
import {
  decodeHandshakeHeader,
  type EarlyPayload,
  handshakeHeader,
  NoiseError,
  respondHandshake,
  switchingProtocols,
  upgradeProtocol,
} from "@headscale/noise";
import { type NoiseDuplex, noiseDuplex } from "@headscale/noise/duplex";
import { ChallengeKey, type PrivateKey } from "@headscale/tailcfg/keys";
import { createWebSocketStream, type ServerOptions, WebSocketServer } from "ws";
import type { MachineConnection } from "./connection.ts";
import type { DoorKeeper } from "./door-keeper.ts";
import type { MachineServer } from "./machine-server.ts";

export interface UpgradeOptions {
  readonly staticKey: PrivateKey;
  readonly server: MachineServer;
  readonly keeper: DoorKeeper;
  /** A client's message is one Noise record of at most 4 KiB; what is longer waits in memory until it is whole. */
  readonly webSocketMessageBytes: number;
  /** How long a WebSocket that we have closed may stay. */
  readonly hangUpMs: number;
  clientAddress(request: IncomingMessage): string;
  onRefused(reason: string, address: string): void;
}

type Accepted = ReturnType<typeof respondHandshake> & { readonly connection: MachineConnection };

/** Turns `/ts2021` upgrades into served Noise connections: POST with its own protocol name, GET as WebSocket. */
export class NoiseUpgrade {
  readonly #options: UpgradeOptions;
  readonly #sockets: WebSocketServer;

  constructor(options: UpgradeOptions) {
    this.#options = options;
    const { webSocketMessageBytes: maxPayload, hangUpMs: closeTimeout } = options;
    const webSocket: ServerOptions & { readonly closeTimeout: number } = {
      noServer: true,
      perMessageDeflate: false,
      maxPayload,
      closeTimeout,
      autoPong: false,
      handleProtocols: (protocols) => (protocols.has(upgradeProtocol) ? upgradeProtocol : false),
    };
    this.#sockets = new WebSocketServer(webSocket);
  }

  /** The native upgrade: 101, the Noise response and the early payload go out in one write. */
  native(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const header = request.headers[handshakeHeader.toLowerCase()];
    const accepted = this.#accept(request, socket, typeof header === "string" ? header : "");
    if (!accepted) return;
    const preamble = Buffer.concat([Buffer.from(switchingProtocols), accepted.response]);
    this.#serve(accepted, noiseDuplex(socket, accepted.session, { head, preamble, earlyPayload: challenge() }));
  }

  /** The same bytes inside binary WebSocket messages; browsers put the handshake into the query. */
  webSocket(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const query = new URL(request.url ?? "/", "http://unused").searchParams;
    const text = (query.get(handshakeHeader) ?? "").replaceAll(" ", "+");
    const accepted = this.#accept(request, socket, text);
    if (!accepted) return;
    this.#sockets.handleUpgrade(request, socket, head, (ws) => {
      answerPings(ws);
      const stream = createWebSocketStream(ws);
      stream.on("error", () => {});
      const preamble = accepted.response;
      this.#serve(accepted, noiseDuplex(stream, accepted.session, { preamble, earlyPayload: challenge() }));
    });
  }

  /** The answer to a handshake; undefined when it was refused, as HTTP. */
  #accept(request: IncomingMessage, socket: Duplex, header: string): Accepted | undefined {
    const { keeper, staticKey } = this.#options;
    const address = this.#options.clientAddress(request);
    socket.on("error", () => {});
    try {
      const initiation = decodeHandshakeHeader(header);
      if (!keeper.mayShakeHands(address)) {
        this.#refuse(socket, 429, "too many connections from this address at once", address);
        return undefined;
      }
      const accepted = respondHandshake({ staticKey, initiation });
      const connection = { machineKey: accepted.machineKey, version: accepted.version, address };
      const refusal = keeper.refusal(connection);
      if (refusal === undefined) return { ...accepted, connection };
      this.#refuse(socket, 429, refusal, address);
    } catch (error) {
      if (!(error instanceof NoiseError)) throw error;
      this.#refuse(socket, 400, error.message, address);
    }
    return undefined;
  }

  #serve({ connection }: Accepted, stream: NoiseDuplex): void {
    stream.once("close", this.#options.keeper.enter(connection));
    this.#options.server.serve(stream, connection);
  }

  #refuse(socket: Duplex, status: number, reason: string, address: string): void {
    this.#options.onRefused(reason, address);
    const body = `${reason}\n`;
    socket.end(
      `HTTP/1.1 ${status} ${status === 429 ? "Too Many Requests" : "Bad Request"}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(body)}\r\n${status === 429 ? "Retry-After: 10\r\n" : ""}Connection: close\r\n\r\n${body}`,
    );
  }
}

function challenge(): EarlyPayload {
  return { nodeKeyChallenge: ChallengeKey.fromBytes(randomBytes(32)) };
}
