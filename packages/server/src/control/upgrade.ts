import { randomBytes } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import {
  decodeHandshakeHeader,
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
  clientAddress(request: IncomingMessage): string;
  onRefused(reason: string, address: string): void;
}

/** Turns `/ts2021` upgrades into served Noise connections: POST with its own protocol name, GET as WebSocket. */
export class NoiseUpgrade {
  readonly #options: UpgradeOptions;
  readonly #perMachine = new Map<MachineKey, number>();
  readonly #sockets = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: 1 << 20,
    handleProtocols: (protocols) => (protocols.has(upgradeProtocol) ? upgradeProtocol : false),
  });

  constructor(options: UpgradeOptions) {
    this.#options = options;
  }

  /** The native upgrade: 101, the Noise response and the early payload go out in one write. */
  native(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const header = request.headers[handshakeHeader.toLowerCase()];
    this.#accept(request, socket, typeof header === "string" ? header : "", (accepted) =>
      noiseDuplex(socket, accepted.session, {
        head,
        preamble: Buffer.concat([Buffer.from(switchingProtocols), accepted.response]),
        earlyPayload: { nodeKeyChallenge: ChallengeKey.fromBytes(randomBytes(32)) },
      }),
    );
  }

  /** The same bytes inside binary WebSocket messages; browsers put the handshake into the query. */
  webSocket(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const query = new URL(request.url ?? "/", "http://unused").searchParams;
    const text = (query.get(handshakeHeader) ?? "").replaceAll(" ", "+");
    this.#sockets.handleUpgrade(request, socket, head, (ws) => {
      const stream = createWebSocketStream(ws);
      this.#accept(request, stream, text, (accepted) =>
        noiseDuplex(stream, accepted.session, {
          preamble: accepted.response,
          earlyPayload: { nodeKeyChallenge: ChallengeKey.fromBytes(randomBytes(32)) },
        }),
      );
    });
  }

  #accept(
    request: IncomingMessage,
    socket: Duplex,
    header: string,
    open: (accepted: ReturnType<typeof respondHandshake>) => Duplex,
  ): void {
    const address = this.#options.clientAddress(request);
    socket.on("error", () => {});
    try {
      const accepted = respondHandshake({
        staticKey: this.#options.staticKey,
        initiation: decodeHandshakeHeader(header),
      });
      if (!this.#admit(accepted.machineKey)) {
        this.#refuse(socket, 429, "too many connections of this machine", address);
        return;
      }
      const stream = open(accepted);
      stream.once("close", () => this.#release(accepted.machineKey));
      this.#options.server.serve(stream, { machineKey: accepted.machineKey, version: accepted.version, address });
    } catch (error) {
      if (!(error instanceof NoiseError)) throw error;
      this.#refuse(socket, 400, error.message, address);
    }
  }

  #admit(machine: MachineKey): boolean {
    const open = this.#perMachine.get(machine) ?? 0;
    if (open >= this.#options.sessionsPerMachine) return false;
    this.#perMachine.set(machine, open + 1);
    return true;
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
