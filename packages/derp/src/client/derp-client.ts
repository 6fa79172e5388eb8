import type { Duplex } from "node:stream";
import type { NodeKey, PrivateKey } from "@headscale/tailcfg/keys";
import { NodeKey as NodeKeys, publicKeyBytes } from "@headscale/tailcfg/keys";
import { BoxIdentity, type NaclBox } from "#box/nacl-box.ts";
import { DerpError } from "#derp-error.ts";
import { frameOf } from "#frame/frame-bytes.ts";
import { FrameReader, type FrameSink, type HeaderVerdict } from "#frame/frame-reader.ts";
import { type ClientInfo, sealClientInfo } from "#login/client-info.ts";
import { openServerInfo, type ServerInfo } from "#login/server-info.ts";
import { FrameType, KEY_BYTES, MAGIC, MAX_CLIENT_FRAME_BYTES } from "#protocol.ts";
import { type DerpMessage, decodeMessage, isMessageType } from "./messages.ts";

/** What may wait for the relay to read; packets beyond it are dropped. */
const MAX_WAITING_BYTES = 1_048_576;

export interface DerpClientOptions extends Partial<ClientInfo> {
  readonly privateKey: PrivateKey;
  /** 32 bytes. Known already after a fast start; otherwise the relay's first frame tells. */
  readonly serverKey?: Uint8Array;
  /** Byte buffers in a message may be kept. Must not throw. */
  readonly onMessage?: (message: DerpMessage) => void;
}

/** A client of one relay, over a stream on which the HTTP upgrade is done. Mesh links and tests use it. */
export class DerpClient implements FrameSink {
  readonly publicKey: NodeKey;
  /** Resolves when the login is done. */
  readonly ready: Promise<ServerInfo>;
  /** Resolves when the connection is over, with the reason if it was an error. */
  readonly ended: Promise<Error | undefined>;
  readonly #socket: Duplex;
  readonly #options: DerpClientOptions;
  readonly #identity: BoxIdentity;
  readonly #ready = Promise.withResolvers<ServerInfo>();
  #box: NaclBox | undefined;
  #serverKey: NodeKey | undefined;
  #error: Error | undefined;
  #isReady = false;
  #corked = false;

  /** `head`: bytes that were read along with the HTTP answer. */
  constructor(socket: Duplex, options: DerpClientOptions, head: Buffer = Buffer.alloc(0)) {
    const reader = new FrameReader(this);
    this.#socket = socket;
    this.#options = options;
    this.#identity = new BoxIdentity(options.privateKey);
    this.publicKey = NodeKeys.fromBytes(this.#identity.publicKey);
    this.ready = this.#ready.promise;
    this.ready.catch(() => {}); // whoever awaits it sees the error; nobody has to
    const push = (chunk: Buffer) => {
      try {
        reader.push(chunk);
      } catch (error) {
        socket.destroy(error as Error);
      }
    };
    this.ended = new Promise((resolve) => {
      socket.on("error", (error) => {
        this.#error = error;
      });
      socket.on("end", () => socket.destroy());
      socket.on("close", () => {
        this.#ready.reject(this.#error ?? new DerpError("disconnected", "the relay hung up"));
        resolve(this.#error);
      });
    });
    if (options.serverKey) this.#login(options.serverKey);
    if (head.length > 0) push(head);
    socket.on("data", push);
  }

  /** Undefined until the relay's first frame is here. */
  get serverKey(): NodeKey | undefined {
    return this.#serverKey;
  }

  send(destination: NodeKey, packet: Uint8Array): void {
    this.#write(frameOf(FrameType.sendPacket, publicKeyBytes(destination), packet));
  }

  /** A relay's way to another one. Drops the packet if the other lags too far behind. */
  forward(source: Buffer, destination: Buffer, bytes: Buffer, start: number, end: number): void {
    if (this.#socket.writableLength > MAX_WAITING_BYTES) return;
    this.#write(frameOf(FrameType.forwardPacket, source, destination, bytes.subarray(start, end)));
  }

  /** `payload` has 8 bytes. */
  ping(payload: Uint8Array): void {
    this.#write(frameOf(FrameType.ping, payload));
  }

  pong(payload: Uint8Array): void {
    this.#write(frameOf(FrameType.pong, payload));
  }

  notePreferred(isHome: boolean): void {
    this.#write(frameOf(FrameType.notePreferred, Buffer.of(isHome ? 1 : 0)));
  }

  /** Needs the mesh key, as `closePeer` does. */
  watchConnections(): void {
    this.#write(frameOf(FrameType.watchConns));
  }

  closePeer(peer: NodeKey): void {
    this.#write(frameOf(FrameType.closePeer, publicKeyBytes(peer)));
  }

  /** Sends bytes as they are: a frame no method sends. */
  write(frame: Buffer): void {
    this.#write(frame);
  }

  close(): void {
    this.#socket.destroy();
  }

  header(type: number, length: number): HeaderVerdict {
    if (length > MAX_CLIENT_FRAME_BYTES) throw new DerpError("bad-frame", `frame ${type} of ${length} bytes`);
    if (this.#box === undefined) {
      if (type !== FrameType.serverKey || length < MAGIC.length + KEY_BYTES || length > 1_024)
        throw new DerpError("bad-login", "not a DERP relay");
      return "take";
    }
    if (this.#isReady) return isMessageType(type) ? "take" : "skip";
    return type === FrameType.serverInfo ? "take" : "skip";
  }

  frame(type: number, bytes: Buffer, start: number, end: number): void {
    if (this.#box === undefined) this.#greeted(bytes.subarray(start, end));
    else if (!this.#isReady) this.#welcomed(this.#box, bytes.subarray(start, end));
    else {
      const message = decodeMessage(type, Buffer.from(bytes.subarray(start, end)));
      if (message?.kind === "ping" && this.#options.canAckPings) this.pong(message.payload);
      if (message) this.#options.onMessage?.(message);
    }
  }

  #greeted(payload: Buffer): void {
    if (!payload.subarray(0, MAGIC.length).equals(MAGIC)) throw new DerpError("bad-login", "not a DERP relay");
    this.#login(payload.subarray(MAGIC.length, MAGIC.length + KEY_BYTES));
  }

  #login(serverKey: Uint8Array): void {
    this.#serverKey = NodeKeys.fromBytes(serverKey);
    this.#box = this.#identity.boxWith(serverKey);
    this.#write(frameOf(FrameType.clientInfo, this.#identity.publicKey, sealClientInfo(this.#box, this.#options)));
  }

  #welcomed(box: NaclBox, sealed: Buffer): void {
    const info = openServerInfo(box, sealed);
    this.#isReady = true;
    this.#ready.resolve(info);
  }

  /** What is written in one turn of the event loop leaves together. */
  #write(frame: Buffer): void {
    if (this.#socket.destroyed) return;
    if (!this.#corked) {
      this.#corked = true;
      this.#socket.cork();
      setImmediate(() => {
        this.#corked = false;
        this.#socket.uncork();
      });
    }
    this.#socket.write(frame);
  }
}
