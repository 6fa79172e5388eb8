import { randomBytes } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import {
  decodeHandshakeHeader,
  type EarlyPayload,
  handshakeHeader,
  NoiseError,
  respondHandshake,
  switchingProtocols,
  upgradeProtocol,
} from "@headscale/noise";
import { noiseDuplex } from "@headscale/noise/duplex";
import { ChallengeKey, type MachineKey, type PrivateKey } from "@headscale/tailcfg/keys";
import { createWebSocketStream, WebSocketServer } from "ws";
import type { MachineServer } from "./machine-server.ts";

export interface UpgradeOptions {
  readonly staticKey: PrivateKey;
  readonly server: MachineServer;
  readonly sessionsPerMachine: number;
  readonly webSocketMessageBytes: number;
  clientAddress(request: IncomingMessage): string;
  onRefused(reason: string, address: string): void;
}

type Accepted = ReturnType<typeof respondHandshake>;

/** Turns `/ts2021` upgrades into served Noise connections: POST with its own protocol name, GET as WebSocket. */
export class NoiseUpgrade {
  readonly #options: UpgradeOptions;
  readonly #perMachine = new Map<MachineKey, number>();
  readonly #sockets: WebSocketServer;

  constructor(options: UpgradeOptions) {
    this.#options = options;
    this.#sockets = new WebSocketServer({
      noServer: true,
      perMessageDeflate: false,
      maxPayload: options.webSocketMessageBytes,
      handleProtocols: (protocols) => (protocols.has(upgradeProtocol) ? upgradeProtocol : false),
    });
  }

  /** The native upgrade: 101, the Noise response and the early payload go out in one write. */
  native(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const header = request.headers[handshakeHeader.toLowerCase()];
    const accepted = this.#accept(request, socket, typeof header === "string" ? header : "");
    if (!accepted) return;
    const preamble = Buffer.concat([Buffer.from(switchingProtocols), accepted.response]);
    this.#serve(
      request,
      accepted,
      noiseDuplex(socket, accepted.session, { head, preamble, earlyPayload: challenge() }),
    );
  }

  /** The same bytes inside binary WebSocket messages; browsers put the handshake into the query. */
  webSocket(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const query = new URL(request.url ?? "/", "http://unused").searchParams;
    const text = (query.get(handshakeHeader) ?? "").replaceAll(" ", "+");
    const accepted = this.#accept(request, socket, text);
    if (!accepted) return;
    this.#sockets.handleUpgrade(request, socket, head, (ws) => {
      const stream = createWebSocketStream(ws);
      stream.on("error", () => {});
      const preamble = accepted.response;
      this.#serve(request, accepted, noiseDuplex(stream, accepted.session, { preamble, earlyPayload: challenge() }));
    });
  }

  /** The answer to a handshake; undefined when it was refused, as HTTP. */
  #accept(request: IncomingMessage, socket: Duplex, header: string): Accepted | undefined {
    const address = this.#options.clientAddress(request);
    socket.on("error", () => {});
    try {
      const accepted = respondHandshake({
        staticKey: this.#options.staticKey,
        initiation: decodeHandshakeHeader(header),
      });
      const open = this.#perMachine.get(accepted.machineKey) ?? 0;
      if (open < this.#options.sessionsPerMachine) return accepted;
      this.#refuse(socket, 429, "too many connections of this machine", address);
    } catch (error) {
      if (!(error instanceof NoiseError)) throw error;
      this.#refuse(socket, 400, error.message, address);
    }
    return undefined;
  }

  #serve(request: IncomingMessage, { machineKey, version }: Accepted, stream: Duplex): void {
    this.#perMachine.set(machineKey, (this.#perMachine.get(machineKey) ?? 0) + 1);
    stream.once("close", () => this.#release(machineKey));
    const address = this.#options.clientAddress(request);
    this.#options.server.serve(stream, { machineKey, version, address });
  }

  #release(machine: MachineKey): void {
    const open = (this.#perMachine.get(machine) ?? 1) - 1;
    if (open > 0) this.#perMachine.set(machine, open);
    else this.#perMachine.delete(machine);
  }

  #refuse(socket: Duplex, status: number, reason: string, address: string): void {
    this.#options.onRefused(reason, address);
    const body = `${reason}\n`;
    socket.end(
      `HTTP/1.1 ${status} ${status === 429 ? "Too Many Requests" : "Bad Request"}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
    );
  }
}

function challenge(): EarlyPayload {
  return { nodeKeyChallenge: ChallengeKey.fromBytes(randomBytes(32)) };
}
