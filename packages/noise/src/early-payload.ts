import { ChallengeKey } from "@headscale/tailcfg/keys";
import { NoiseError } from "./noise-error.ts";
import { earlyHeaderBytes, earlyPayloadMagic, maxEarlyPayloadBytes } from "./protocol.ts";

/** What a server may say before HTTP/2 starts. Source: tailscale tailcfg/tailcfg.go@de9ec7ee EarlyNoise */
export interface EarlyPayload {
  readonly nodeKeyChallenge?: ChallengeKey;
}

/** Magic, big-endian u32 length, JSON: the first bytes of the decrypted stream. */
export function encodeEarlyPayload(payload: EarlyPayload): Uint8Array {
  const json = new TextEncoder().encode(JSON.stringify(payload));
  const bytes = new Uint8Array(earlyHeaderBytes + json.length);
  bytes.set(earlyPayloadMagic);
  new DataView(bytes.buffer).setUint32(earlyPayloadMagic.length, json.length);
  bytes.set(json, earlyHeaderBytes);
  return bytes;
}

/** What the stream began with: a payload or none, and the bytes that belong to HTTP/2. */
export interface EarlyOutcome {
  readonly payload: EarlyPayload | undefined;
  readonly rest: Uint8Array;
}

/** Finds out, on the client's side, whether a decrypted stream begins with an early payload. */
export class EarlyPayloadReader {
  readonly #maxBytes: number;
  #received: Uint8Array[] = [];
  #receivedBytes = 0;
  #neededBytes = earlyHeaderBytes;
  #finished = false;

  /** `maxBytes`: longest payload taken; clients take 10 MiB. */
  constructor(maxBytes: number = maxEarlyPayloadBytes) {
    this.#maxBytes = maxBytes;
  }

  /**
   * Takes decrypted bytes, cut anywhere; undefined until it is clear what they begin with.
   * @throws {NoiseError} `bad-early-payload`; `finished` after an outcome or a failure
   */
  push(chunk: Uint8Array): EarlyOutcome | undefined {
    if (this.#finished) throw new NoiseError("finished", "the early payload has been read");
    this.#received.push(chunk);
    this.#receivedBytes += chunk.length;
    // Joined once for the header and once for the payload, however small the pieces are.
    if (this.#receivedBytes < this.#neededBytes) return undefined;
    const bytes = Buffer.concat(this.#received);
    this.#received = [bytes];
    try {
      const outcome = this.#outcome(bytes);
      this.#finished = outcome !== undefined;
      return outcome;
    } catch (error) {
      this.#finished = true;
      throw error;
    }
  }

  #outcome(bytes: Buffer): EarlyOutcome | undefined {
    if (!earlyPayloadMagic.every((byte, index) => bytes[index] === byte)) return { payload: undefined, rest: bytes };
    const length = bytes.readUInt32BE(earlyPayloadMagic.length);
    if (length > this.#maxBytes) throw new NoiseError("bad-early-payload", `early payload of ${length} bytes`);
    this.#neededBytes = earlyHeaderBytes + length;
    if (bytes.length < this.#neededBytes) return undefined;
    const payload = parseEarlyPayload(bytes.subarray(earlyHeaderBytes, this.#neededBytes));
    return { payload, rest: bytes.subarray(this.#neededBytes) };
  }
}

function parseEarlyPayload(json: Uint8Array): EarlyPayload {
  try {
    const value: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(json));
    if (typeof value !== "object" || value === null) throw new TypeError("not an object");
    const challenge: unknown = "nodeKeyChallenge" in value ? value.nodeKeyChallenge : undefined;
    if (challenge === undefined || challenge === null) return {};
    if (typeof challenge !== "string") throw new TypeError("nodeKeyChallenge is no string");
    return { nodeKeyChallenge: ChallengeKey.parse(challenge) };
  } catch (cause) {
    throw new NoiseError("bad-early-payload", "the early payload is not the JSON it should be", { cause });
  }
}
