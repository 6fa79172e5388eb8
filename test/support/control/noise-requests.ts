import { once } from "node:events";
import http2, { type ClientHttp2Session, type ClientHttp2Stream, type IncomingHttpHeaders } from "node:http2";
import type { Duplex } from "node:stream";
import type { EarlyPayload } from "@headscale/noise";
import { wholeBody } from "./body-chunks.ts";
import { ClientFailure } from "./client-failure.ts";
import type { ControlServer } from "./control-server.ts";
import { type Caller, dial } from "./dial.ts";

/** What Go's HTTP/2 client says of itself: control-protocol measurements against tailscale 1.80 to 1.103. */
const clientSettings = {
  enablePush: false,
  initialWindowSize: 4 << 20,
  maxFrameSize: 16_384,
  maxHeaderListSize: 10 << 20,
};
const connectionWindowBytes = 1 << 30;

/** Longest answer of an ordinary request read. */
export const maxAnswerBytes = 16 << 20;

export interface NoiseRequest {
  readonly method: string;
  readonly path: string;
  /** Default: the login URL's host and port. */
  readonly authority?: string;
  /** JSON value or raw bytes. */
  readonly body?: unknown;
  /** `ts-lb` routing hint, a node key. */
  readonly loadBalancing?: string;
  readonly signal?: AbortSignal;
}

export interface OpenAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly stream: ClientHttp2Stream;
}

export interface NoiseAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** HTTP/2 over Noise to one server: dialled when first needed, dialled again once it is gone. */
export class NoiseRequests {
  readonly #server: ControlServer;
  readonly #caller: Caller;
  readonly #websocket: boolean;
  #session: Promise<ClientHttp2Session> | undefined;
  #stream: Duplex | undefined;
  #early: Promise<EarlyPayload | undefined> | undefined;

  constructor(server: ControlServer, caller: Caller, websocket: boolean) {
    this.#server = server;
    this.#caller = caller;
    this.#websocket = websocket;
  }

  /** What the server said before HTTP/2 on the present connection. */
  async early(): Promise<EarlyPayload | undefined> {
    await this.session();
    return this.#early;
  }

  session(): Promise<ClientHttp2Session> {
    this.#session ??= this.#open().catch((error: unknown) => {
      this.#session = undefined;
      throw error;
    });
    return this.#session;
  }

  /** Sends a request; the stream is answered when this resolves. */
  async open(request: NoiseRequest): Promise<OpenAnswer> {
    const session = await this.session();
    const stream = session.request(
      {
        ":method": request.method,
        ":scheme": "https",
        ":authority": request.authority ?? this.#server.authority,
        ":path": request.path,
        "accept-encoding": "gzip",
        "user-agent": "Go-http-client/2.0",
        ...(request.loadBalancing && { "ts-lb": request.loadBalancing }),
      },
      { endStream: request.body === undefined, ...(request.signal && { signal: request.signal }) },
    );
    if (request.body !== undefined) {
      stream.end(request.body instanceof Uint8Array ? request.body : JSON.stringify(request.body));
    }
    const { promise, resolve, reject } = Promise.withResolvers<IncomingHttpHeaders>();
    const closed = () => reject(new ClientFailure("unexpected-eof", "the connection ended before an answer"));
    // The error listener stays: a stream that fails after its answer fails through its reader.
    stream.once("response", resolve).on("error", reject).once("close", closed);
    const headers = await promise;
    return { status: Number(headers[":status"]), headers, stream };
  }

  /** Sends a request and reads the whole answer, whatever its status. */
  async send(request: NoiseRequest): Promise<NoiseAnswer> {
    const { status, headers, stream } = await this.open(request);
    return { status, headers, body: await wholeBody(stream, maxAnswerBytes) };
  }

  /**
   * Cuts the connection, as a client that vanishes; resolves when nothing is left of it. What is cut is the stream below
   * HTTP/2: destroying a session just when its server has died trips an assertion of Node's.
   */
  async drop(): Promise<void> {
    const session = await this.#session?.catch(() => undefined);
    const stream = this.#stream;
    this.#session = undefined;
    this.#stream = undefined;
    if (!session || session.destroyed) return;
    const closed = once(session, "close");
    stream?.destroy();
    await closed;
  }

  async #open(): Promise<ClientHttp2Session> {
    const { stream, early } = await dial(this.#server, this.#caller, this.#websocket);
    this.#early = early;
    this.#stream = stream;
    const session = http2.connect("https://control.test", {
      createConnection: () => stream,
      settings: clientSettings,
      // Go's client takes any number of pings and settings; ours must not be the one that hangs up.
      maxOutstandingPings: 100,
    });
    const gone = () => {
      this.#session = undefined;
    };
    session.on("error", gone).on("close", gone).on("goaway", gone);
    session.once("connect", () => session.setLocalWindowSize(connectionWindowBytes));
    return session;
  }
}
