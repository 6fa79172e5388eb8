import { once } from "node:events";
import http, { type IncomingMessage } from "node:http";
import http2, { type Http2ServerRequest, type Http2ServerResponse } from "node:http2";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { text } from "node:stream/consumers";
import { zstdCompressSync } from "node:zlib";
import {
  decodeHandshakeHeader,
  type EarlyPayload,
  handshakeHeader,
  publicMachineKey,
  respondHandshake,
  switchingProtocols,
  upgradeProtocol,
} from "@headscale/noise";
import { noiseDuplex } from "@headscale/noise/duplex";
import { frameMapMessage } from "@headscale/tailcfg/codec";
import { type MachineKey, PrivateKey } from "@headscale/tailcfg/keys";
import { createWebSocketStream, WebSocketServer } from "ws";
import { ControlServer } from "./control-server.ts";

/** A request that came through Noise. */
export interface InnerRequest {
  readonly method: string;
  readonly path: string;
  readonly authority: string;
  readonly body: string;
  readonly machineKey: MachineKey;
  readonly version: number;
}

export type Script = (request: InnerRequest, response: Http2ServerResponse) => void;

/** Just enough of a control server to test the client double without our own: it answers what a script says. */
export class ScriptedServer implements AsyncDisposable {
  readonly #key = new PrivateKey(new Uint8Array(32).fill(9));
  readonly #script: Script;
  readonly #early: EarlyPayload | undefined;
  readonly #sockets = new Set<Duplex>();
  readonly #websockets = new WebSocketServer({ noServer: true });
  readonly #outer = http.createServer((request, response) => this.#plain(request, response));
  /** Requests outside Noise: method and path. */
  readonly plain: string[] = [];

  constructor(script: Script, early?: EarlyPayload) {
    this.#script = script;
    this.#early = early;
    this.#outer.on("upgrade", (request, socket, head) => this.#upgrade(request, socket, head));
  }

  /** Listens on a free port of the loopback, or on a socket path. */
  async listen(path?: string): Promise<ControlServer> {
    if (path) this.#outer.listen(path);
    else this.#outer.listen(0, "127.0.0.1");
    await once(this.#outer, "listening");
    const { port } = this.#outer.address() as AddressInfo;
    return ControlServer.at(path ? `unix:${path}` : `http://127.0.0.1:${port}`);
  }

  /** Serves one end of a stream in memory; the key is known beforehand. */
  overStream(connect: () => [client: Duplex, server: Duplex]): ControlServer {
    const createConnection = () => {
      const [client, server] = connect();
      this.#outer.emit("connection", server);
      return client;
    };
    return new ControlServer({ createConnection }, publicMachineKey(this.#key));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#outer.closeAllConnections();
    this.#outer.close();
  }

  #plain(request: IncomingMessage, response: http.ServerResponse): void {
    this.plain.push(`${request.method} ${request.url}`);
    response.end(JSON.stringify({ publicKey: publicMachineKey(this.#key) }));
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.#sockets.add(socket);
    if (request.headers.upgrade === "websocket") {
      const header = new URL(request.url ?? "", "http://unused").searchParams.get(handshakeHeader) ?? "";
      this.#websockets.handleUpgrade(request, socket, head, (ws) =>
        this.#serve(createWebSocketStream(ws), header, "", new Uint8Array(0)),
      );
    } else if (request.headers.upgrade === upgradeProtocol && request.method === "POST") {
      this.#serve(socket, String(request.headers[handshakeHeader.toLowerCase()]), switchingProtocols, head);
    } else socket.destroy();
  }

  #serve(socket: Duplex, header: string, answerHead: string, head: Uint8Array): void {
    const initiation = decodeHandshakeHeader(header);
    const { machineKey, version, response, session } = respondHandshake({ staticKey: this.#key, initiation });
    const preamble = Buffer.concat([Buffer.from(answerHead), response]);
    const inner = http2.createServer((request: Http2ServerRequest, answer: Http2ServerResponse) => {
      text(request).then(
        (body) => {
          const { method, url: path, authority } = request;
          this.#script({ method, path, authority, body, machineKey, version }, answer);
        },
        () => answer.stream.destroy(),
      );
    });
    const early = this.#early && { earlyPayload: this.#early };
    inner.emit("connection", noiseDuplex(socket, session, { head, preamble, ...early }));
  }
}

/** A map message as it goes over the stream: framed, compressed in one piece. */
export function mapFrame(message: unknown): Buffer {
  const json = typeof message === "string" ? message : JSON.stringify(message);
  return Buffer.concat(frameMapMessage([zstdCompressSync(json)]));
}
