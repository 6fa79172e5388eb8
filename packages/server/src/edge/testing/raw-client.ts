import { once } from "node:events";
import { connect, type Socket } from "node:net";

/** A TCP client that says exactly what it is told and keeps all it hears. */
export class RawClient implements Disposable {
  readonly socket: Socket;
  #heard: Buffer[] = [];
  /** Resolves when the server has hung up, in whatever way. */
  readonly closed: Promise<void>;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (chunk) => this.#heard.push(chunk));
    socket.on("error", () => {});
    const { promise, resolve } = Promise.withResolvers<void>();
    this.closed = promise;
    socket.once("close", () => resolve()).once("end", () => resolve());
  }

  /** Connected, or refused already. `from` is a loopback address such as 127.0.0.2. */
  static async connect(port: number, from = "127.0.0.1"): Promise<RawClient> {
    const client = new RawClient(
      connect({ port, host: "127.0.0.1", localAddress: from, noDelay: true, allowHalfOpen: true }),
    );
    await Promise.race([once(client.socket, "connect").catch(() => {}), client.closed]);
    return client;
  }

  get heard(): Buffer {
    return Buffer.concat(this.#heard);
  }

  get heardText(): string {
    return this.heard.toString("latin1");
  }

  say(bytes: string | Uint8Array): this {
    this.socket.write(bytes);
    return this;
  }

  /** One byte a packet. */
  async dribble(bytes: string | Uint8Array): Promise<this> {
    for (const byte of Buffer.from(bytes as Uint8Array)) {
      this.socket.write(Uint8Array.of(byte));
      await new Promise(setImmediate);
    }
    return this;
  }

  /** Resolves once `pattern` has been heard; rejects when the server hangs up before. */
  async hear(pattern: RegExp): Promise<string> {
    while (!pattern.test(this.heardText)) {
      if (this.socket.destroyed || this.socket.readableEnded)
        throw new Error(`hung up after ${JSON.stringify(this.heardText.slice(0, 200))}`);
      await Promise.race([new Promise((resolve) => this.socket.once("data", resolve)), this.closed]);
    }
    return this.heardText;
  }

  /** Hears everything until the server hangs up. */
  async hearAll(): Promise<string> {
    await this.closed;
    return this.heardText;
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }
}
