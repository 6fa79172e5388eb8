import { randomBytes } from "node:crypto";
import type { MachineKey } from "@headscale/tailcfg/keys";
import type { Node, NodeId } from "@headscale/tailnet";
import type { Live } from "#live/live.ts";

/** Why a ping came to nothing. */
export class PingError extends Error {
  override readonly name = "PingError";
  readonly code: "not-connected" | "timeout" | "bad-reply";
  constructor(code: PingError["code"], message: string) {
    super(message);
    this.code = code;
  }
}

export interface C2NReply {
  readonly status: number;
  readonly body: Buffer;
  readonly roundTripMs: number;
}

interface Waiting {
  readonly machineKey: MachineKey;
  resolve(body: Buffer): void;
}

/** Asks nodes over their map stream and takes their answers, which come over whichever Noise connection they like. */
export class Pings {
  readonly #live: Live;
  readonly #serverUrl: string;
  readonly #maxWaiting: number;
  readonly #waiting = new Map<string, Waiting>();

  /** `maxWaiting`: answers that are waited for at once. */
  constructor(live: Live, serverUrl: string, maxWaiting: number) {
    this.#live = live;
    this.#serverUrl = serverUrl;
    this.#maxWaiting = maxWaiting;
  }

  /** Whether the node is alive: it has to call a URL of its own. @throws {PingError} */
  async probe(id: NodeId, timeoutMs: number): Promise<void> {
    await this.#ask(id, timeoutMs, (token) => ({
      URL: `${this.#serverUrl}/machine/ping-response?id=${token}`,
      URLIsNoise: true,
    }));
  }

  /** Sends the node an HTTP request and reads its answer (control-to-node). @throws {PingError} */
  async request(id: NodeId, path: string, body: string, timeoutMs: number): Promise<C2NReply> {
    const started = this.#live.now();
    const payload = `POST ${path} HTTP/1.1\r\nHost: node\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
    const raw = await this.#ask(id, timeoutMs, (token) => ({
      URL: `${this.#serverUrl}/machine/c2n/${token}`,
      URLIsNoise: true,
      Types: "c2n",
      Payload: Buffer.from(payload).toString("base64"),
    }));
    return { ...parseReply(raw), roundTripMs: this.#live.now() - started };
  }

  /** An answer has come; false when nobody waits for it or it is not this machine's to give. */
  answer(token: string, machineKey: MachineKey, body: Buffer): boolean {
    const waiting = this.#waiting.get(token);
    if (waiting?.machineKey !== machineKey) return false;
    this.#waiting.delete(token);
    waiting.resolve(body);
    return true;
  }

  #ask(id: NodeId, timeoutMs: number, request: (token: string) => Parameters<PingSender>[1]): Promise<Buffer> {
    const node: Node | undefined = this.#live.world.nodes.get(id);
    if (!node || this.#waiting.size >= this.#maxWaiting) return Promise.reject(notConnected());
    const token = randomBytes(16).toString("hex");
    return new Promise<Buffer>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(token);
        reject(new PingError("timeout", "the node did not answer in time"));
      }, timeoutMs);
      this.#waiting.set(token, {
        machineKey: node.machineKey,
        resolve: (body) => {
          clearTimeout(timer);
          resolve(body);
        },
      });
      if (this.#live.tailnet(node.tailnet).sessions.ping(id, request(token))) return;
      clearTimeout(timer);
      this.#waiting.delete(token);
      reject(this.#live.attendance.isElsewhere(id) ? connectedElsewhere() : notConnected());
    });
  }
}

type PingSender = ReturnType<Live["tailnet"]>["sessions"]["ping"];

function connectedElsewhere(): PingError {
  return new PingError("not-connected", "the node is connected to another replica of this server: ask that one");
}

function notConnected(): PingError {
  return new PingError("not-connected", "the node is not connected");
}

/** Status and body of a raw HTTP/1.1 response. @throws {PingError} */
function parseReply(raw: Buffer): { readonly status: number; readonly body: Buffer } {
  const end = raw.indexOf("\r\n\r\n");
  const status = /^HTTP\/1\.[01] (\d{3})/.exec(raw.subarray(0, 64).toString("latin1"))?.[1];
  if (end < 0 || status === undefined) throw new PingError("bad-reply", "the node's answer is not an HTTP response");
  return { status: Number(status), body: raw.subarray(end + 4) };
}
