import type { Admission } from "#admission/admission.ts";
import type { BoxIdentity } from "#box/nacl-box.ts";
import { DerpError } from "#derp-error.ts";
import { frameOf } from "#frame/frame-bytes.ts";
import { FrameReader, type FrameSink, type HeaderVerdict } from "#frame/frame-reader.ts";
import { nodeKeyOf, type RawKey, rawKeyAt } from "#frame/raw-key.ts";
import { type ClientInfo, openClientInfo } from "#login/client-info.ts";
import type { MeshKey } from "#login/mesh-key.ts";
import { sealServerInfo } from "#login/server-info.ts";
import { FrameType, KEY_BYTES, MAGIC, NONCE_BYTES } from "#protocol.ts";
import { Connection, type ConnectionContext } from "./connection.ts";
import { effectiveRateLimit } from "./limits.ts";
import { Outbox, type OutboxContext } from "./outbox.ts";
import type { Transport } from "./transport.ts";

export interface SessionContext extends ConnectionContext, OutboxContext {
  readonly identity: BoxIdentity;
  readonly admission: Admission;
  readonly meshKey: MeshKey | undefined;
  /** The text of the current trouble, empty when there is none. */
  readonly health: () => string;
  readonly onLogin: (session: Session) => void;
  readonly onEnd: (session: Session, error: DerpError) => void;
}

/** One connection from the first byte of DERP on: proves who the client is, then lets its Connection work. */
export class Session implements FrameSink {
  readonly transport: Transport;
  readonly #context: SessionContext;
  readonly #isNotIdeal: boolean;
  readonly #reader: FrameReader;
  readonly #loginTimer: NodeJS.Timeout;
  readonly #outbox: Outbox;
  #key: RawKey | undefined;
  #connection: Connection | undefined;
  #ended = false;

  constructor(transport: Transport, context: SessionContext, isNotIdeal: boolean) {
    this.transport = transport;
    this.#context = context;
    this.#isNotIdeal = isNotIdeal;
    this.#reader = new FrameReader(this);
    this.#outbox = this.#newOutbox();
    this.#loginTimer = setTimeout(
      () => this.close(new DerpError("too-slow", "login took too long")),
      context.limits.loginTimeoutMs,
    );
  }

  /** `preamble` (the HTTP answer, if one is due) leaves together with ServerKey. `head` was read along with the HTTP request. */
  start(preamble: Buffer, head: Buffer): void {
    const serverKey = frameOf(FrameType.serverKey, MAGIC, this.#context.identity.publicKey);
    this.#outbox.control("greeting", Buffer.concat([preamble, serverKey]));
    this.transport.open(this.#push, (cause) =>
      this.#finish(new DerpError("disconnected", "the client is gone", { cause })),
    );
    if (head.length > 0) this.#push(head);
  }

  /** Undefined until the client has proved its key. */
  get key(): RawKey | undefined {
    return this.#key;
  }

  /** Undefined until it may use the relay. */
  get connection(): Connection | undefined {
    return this.#connection;
  }

  get heldBytes(): number {
    return this.#reader.heldBytes + this.#outbox.heldBytes;
  }

  close(error: DerpError): void {
    if (this.#ended) return;
    this.#outbox.flush(); // a last word, say of a restart, may still leave
    this.transport.destroy();
    this.#finish(error);
  }

  header(type: number, length: number): HeaderVerdict {
    if (this.#ended) return "wait";
    if (this.#connection !== undefined) return this.#connection.header(type, length);
    if (this.#key !== undefined) return "wait";
    if (type !== FrameType.clientInfo) throw new DerpError("bad-login", `first frame has type ${type}`);
    if (length < KEY_BYTES + NONCE_BYTES || length > this.#context.limits.clientInfoBytes)
      throw new DerpError("bad-login", `ClientInfo of ${length} bytes`);
    return "take";
  }

  frame(type: number, bytes: Buffer, start: number, end: number): void {
    if (this.#connection !== undefined) this.#connection.frame(type, bytes, start, end);
    else this.#login(bytes, start, end);
  }

  #login(bytes: Buffer, start: number, end: number): void {
    const keyBytes = Buffer.from(bytes.subarray(start, start + KEY_BYTES));
    const box = this.#context.identity.boxWith(keyBytes);
    const info = openClientInfo(box, bytes.subarray(start + KEY_BYTES, end));
    this.#key = rawKeyAt(keyBytes, 0);
    const hasMeshRight = this.#hasMeshRight(info);
    this.transport.pause(); // what comes while the verifier thinks stays in the network
    const welcome = () =>
      this.#welcome(keyBytes, info, hasMeshRight, sealServerInfo(box, this.#announcedLimit(hasMeshRight)));
    void this.#admit(hasMeshRight).then((allowed) => {
      if (this.#ended) return;
      if (allowed) this.#guard(welcome);
      else this.close(new DerpError("not-allowed", "the verifier does not let this node in"));
    });
  }

  async #admit(hasMeshRight: boolean): Promise<boolean> {
    return hasMeshRight || this.#context.admission.allows(nodeKeyOf(this.#key as RawKey), this.transport.remoteAddress);
  }

  #hasMeshRight({ meshKey }: ClientInfo): boolean {
    const expected = this.#context.meshKey;
    return expected !== undefined && meshKey !== undefined && !meshKey.isZero && expected.equals(meshKey);
  }

  #announcedLimit(hasMeshRight: boolean) {
    return hasMeshRight ? undefined : effectiveRateLimit(this.#context.limits.rateLimit);
  }

  /** ServerInfo must come before anything else, so it is written before others can reach the client. */
  #welcome(keyBytes: Buffer, info: ClientInfo, hasMeshRight: boolean, serverInfo: Buffer): void {
    clearTimeout(this.#loginTimer);
    const outbox = this.#outbox;
    if (hasMeshRight) outbox.allowMs(this.#context.limits.meshWriteTimeoutMs);
    outbox.control("server-info", frameOf(FrameType.serverInfo, serverInfo));
    this.#connection = new Connection(
      {
        key: this.#key as RawKey,
        keyBytes,
        info,
        hasMeshRight,
        isNotIdeal: this.#isNotIdeal,
        remoteAddress: this.transport.remoteAddress,
        remotePort: this.transport.remotePort,
        outbox,
        hold: () => this.transport.pause(),
        release: () => this.#guard(this.#release),
        close: (error) => this.close(error as DerpError),
      },
      this.#context,
    );
    const health = this.#context.health();
    if (health !== "") outbox.control("health", frameOf(FrameType.health, Buffer.from(health)));
    this.#context.onLogin(this);
    this.#release();
  }

  readonly #release = (): void => {
    this.transport.resume();
    this.#reader.resume();
  };

  /** Whatever is wrong with what the client sent ends this connection, and nothing else. */
  readonly #push = (chunk: Buffer): void => {
    if (this.#ended) return;
    try {
      this.#reader.push(chunk);
    } catch (error) {
      this.#fail(error);
    }
  };

  #guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    this.close(error instanceof DerpError ? error : new DerpError("bad-frame", "unexpected", { cause: error }));
  }

  #newOutbox(): Outbox {
    return new Outbox(this.transport, this.#context, this.#context.limits, () => {
      this.#context.counters.writeTimeouts += 1;
      this.close(new DerpError("too-slow", "the client does not read"));
    });
  }

  #finish(error: DerpError): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#loginTimer);
    this.#connection?.ended();
    this.#outbox.close();
    this.#context.onEnd(this, error);
  }
}
