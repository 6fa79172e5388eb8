import { type MachineKey, type PrivateKey, publicKeyBytes } from "@headscale/tailcfg/keys";
import { DhPrivate, DhPublic } from "./crypto.ts";
import { decodeResponse, encodeInitiation, u16 } from "./handshake-frame.ts";
import { NoiseError } from "./noise-error.ts";
import { NoiseSession } from "./noise-session.ts";
import { prologue } from "./prologue.ts";
import { frameType, headerBytes, responseBytes } from "./protocol.ts";
import { SymmetricState } from "./symmetric-state.ts";

export interface InitiatorOptions {
  /** The client's long-lived key. */
  readonly machineKey: PrivateKey;
  /** The server's public key, from `/key`. */
  readonly serverKey: MachineKey;
  /** Capability version the client claims. */
  readonly version: number;
  /** Fresh for each handshake; made here when left out. */
  readonly ephemeral?: PrivateKey;
}

/** The client's side of the handshake: send {@link initiation}, then push what the server sends. */
export class Initiator {
  /** The 101 bytes to send. */
  readonly initiation: Uint8Array;
  readonly #version: number;
  readonly #machine: DhPrivate;
  readonly #ephemeral: DhPrivate;
  readonly #state = new SymmetricState();
  #received: Uint8Array = new Uint8Array(0);
  #finished = false;

  /** @throws {NoiseError} `bad-version`, `zero-shared-secret` */
  constructor(options: InitiatorOptions) {
    const server = new DhPublic(publicKeyBytes(options.serverKey));
    this.#version = options.version;
    this.#machine = DhPrivate.of(options.machineKey);
    this.#ephemeral = options.ephemeral ? DhPrivate.of(options.ephemeral) : DhPrivate.generate();
    const state = this.#state;
    state.mixHash(prologue(options.version));
    // <- s
    state.mixHash(server.bytes);
    // -> e, es, s, ss
    state.mixHash(this.#ephemeral.publicBytes);
    const es = state.mixDh(this.#ephemeral, server);
    const sealedStatic = state.encryptAndHash(es, this.#machine.publicBytes);
    const ss = state.mixDh(this.#machine, server);
    const tag = state.encryptAndHash(ss, new Uint8Array(0));
    const ephemeral = this.#ephemeral.publicBytes;
    this.initiation = encodeInitiation({ version: options.version, ephemeral, sealedStatic, tag });
  }

  /**
   * Takes the server's bytes, cut anywhere; gives the session once the response is whole, with the bytes behind it
   * (records already). Undefined: more bytes are needed.
   * @throws {NoiseError} `refused` with the server's text, `bad-frame-type`, `bad-length`, `bad-tag`,
   * `zero-shared-secret`, and `finished` once it has thrown or given a session
   */
  push(chunk: Uint8Array): { session: NoiseSession; rest: Uint8Array } | undefined {
    if (this.#finished) throw new NoiseError("finished", "the handshake is over");
    this.#received = Buffer.concat([this.#received, chunk]);
    try {
      const length = frameLength(this.#received);
      if (length === undefined || this.#received.length < length) return undefined;
      this.#finished = true;
      const frame = this.#received.subarray(0, length);
      return { session: this.#finish(frame), rest: this.#received.subarray(length) };
    } catch (error) {
      this.#finished = true;
      throw error;
    }
  }

  #finish(frame: Uint8Array): NoiseSession {
    if (frame[0] === frameType.error) {
      const text = new TextDecoder().decode(frame.subarray(headerBytes));
      throw new NoiseError("refused", `the server refused the handshake: ${JSON.stringify(text)}`);
    }
    const message = decodeResponse(frame);
    const state = this.#state;
    // <- e, ee, se
    const theirEphemeral = new DhPublic(message.ephemeral);
    state.mixHash(theirEphemeral.bytes);
    state.mixDh(this.#ephemeral, theirEphemeral);
    const se = state.mixDh(this.#machine, theirEphemeral);
    state.decryptAndHash(se, message.tag);
    const { first, second, handshakeHash } = state.split();
    return new NoiseSession(this.#version, handshakeHash, first, second);
  }
}

/** Length of the frame that `bytes` start, as soon as the header is there. */
function frameLength(bytes: Uint8Array): number | undefined {
  if (bytes.length > 0 && bytes[0] !== frameType.response && bytes[0] !== frameType.error) {
    throw new NoiseError("bad-frame-type", `frame of type ${bytes[0]} where a handshake response belongs`);
  }
  if (bytes.length < headerBytes) return undefined;
  const length = headerBytes + u16(bytes, 1);
  if (bytes[0] === frameType.response && length !== responseBytes) {
    throw new NoiseError("bad-length", `handshake response of ${length} bytes, not ${responseBytes}`);
  }
  return length;
}
