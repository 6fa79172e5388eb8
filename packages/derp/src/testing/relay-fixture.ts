import http from "node:http";
import { type Duplex, duplexPair } from "node:stream";
import { type NodeKey, PrivateKey } from "@headscale/tailcfg/keys";
import { onTestFinished } from "vitest";
import { openToAll } from "#admission/node-verifier.ts";
import { upgrade } from "#client/connect.ts";
import { DerpClient, type DerpClientOptions } from "#client/derp-client.ts";
import type { DerpMessage } from "#client/messages.ts";
import { createRelay, type Relay, type RelayEvent, type RelayOptions } from "#relay/relay.ts";
import { until, Wire } from "./frames.ts";

export const RELAY_KEY = privateKey(1);

export function privateKey(number: number): PrivateKey {
  return new PrivateKey(Buffer.alloc(32, number));
}

/** A relay behind a real HTTP server, connected to clients in memory. */
export class RelayFixture {
  readonly relay: Relay;
  readonly events: RelayEvent[] = [];
  readonly #http: http.Server;
  #nextKey = 10;

  constructor(options: Partial<RelayOptions> = {}) {
    this.relay = createRelay({
      privateKey: RELAY_KEY,
      verifier: openToAll,
      onEvent: (event) => this.events.push(event),
      ...options,
    });
    this.#http = http.createServer((_request, response) => response.writeHead(404).end());
    this.#http.on("upgrade", (request, socket, head) => this.relay.accept(request, socket, head));
    onTestFinished(() => this.relay.close());
  }

  /** A connection on which nothing was said yet. */
  socket(highWaterMark = 65_536): Duplex {
    const [here, there] = duplexPair({ highWaterMark });
    this.#http.emit("connection", there);
    onTestFinished(() => void here.destroy());
    return here;
  }

  /** A connection that has sent `bytes`, HTTP request included, in one piece. */
  wire(bytes: Buffer | string): Wire {
    const socket = this.socket();
    socket.write(bytes);
    return new Wire(socket).read();
  }

  /** Resolves when `count` connections are logged in, and no other is known. */
  async awaitConnections(count: number): Promise<void> {
    await until(() => this.relay.stats().connections === count && this.relay.stats().pendingLogins === 0);
  }

  /** A client that is logged in, with a key of its own unless one is given. */
  async join(options: Partial<DerpClientOptions> = {}): Promise<TestClient> {
    const socket = this.socket();
    const head = await upgrade(socket, new URL("http://relay.test/derp"));
    const client = new TestClient(socket, { privateKey: privateKey(this.#nextKey++), ...options }, head);
    await client.ready;
    return client;
  }
}

/** A client that keeps what it hears. */
export class TestClient extends DerpClient {
  readonly socket: Duplex;
  readonly messages: DerpMessage[];
  /** The reason of the end, once there is one. */
  over = false;
  #pings = 0;

  constructor(socket: Duplex, options: DerpClientOptions, head?: Buffer) {
    const messages: DerpMessage[] = [];
    super(socket, { ...options, onMessage: (message) => messages.push(message) }, head);
    this.socket = socket;
    this.messages = messages;
    void this.ended.then(() => {
      this.over = true;
    });
  }

  /** The packets heard, as `[source, text]`. */
  get packets(): [NodeKey, string][] {
    return this.messages.flatMap((m) =>
      m.kind === "packet" ? [[m.source, m.packet.toString()] as [NodeKey, string]] : [],
    );
  }

  of<K extends DerpMessage["kind"]>(kind: K): Extract<DerpMessage, { kind: K }>[] {
    return this.messages.filter((m): m is Extract<DerpMessage, { kind: K }> => m.kind === kind);
  }

  async awaitCount(kind: DerpMessage["kind"], count: number): Promise<void> {
    await until(() => this.of(kind).length >= count || this.over);
  }

  /** Comes back when the relay has worked off all that was sent, and all that it had to say has arrived. */
  async settle(): Promise<void> {
    const payload = Buffer.alloc(8, 0xee);
    payload.writeUInt32BE(++this.#pings);
    this.ping(payload);
    const isAnswer = (m: DerpMessage) => m.kind === "pong" && m.payload.equals(payload);
    await until(() => this.messages.some(isAnswer) || this.over);
    this.messages.splice(this.messages.findIndex(isAnswer), 1);
  }
}

/** A packet that looks like path discovery, `length` bytes long. */
export function discoPacket(length = 62): Buffer {
  return Buffer.concat([Buffer.from("5453f09f92ac", "hex"), Buffer.alloc(length - 6)]);
}
