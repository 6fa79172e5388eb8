import type { KeyObject } from "node:crypto";
import { AcmeError } from "./acme-error.ts";
import type { AcmeLimits } from "./acme-limits.ts";
import { type Directory, parseDirectory, parseProblem, parseRetryAfter } from "./answers.ts";
import type { Clock } from "./clock.ts";
import { type Jws, publicJwk, signJws } from "./jws.ts";

/** Servers forget nonces when they restart, and Pebble refuses half of them on purpose. */
const maxBadNonces = 20;
const maxKeptNonces = 16;

/** One answer, its body already read. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** `Retry-After`, in milliseconds. */
  readonly retryAfterMs: number | undefined;
  /** @throws {AcmeError} `bad-answer` when the body is not JSON. */
  json(): unknown;
}

export interface Transport {
  readonly fetch: typeof fetch;
  readonly limits: AcmeLimits;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** Who signs: an account by its URL (`kid`), or a bare key that has none yet. */
export interface Signer {
  readonly key: KeyObject;
  readonly kid?: string;
}

/** Signed requests to one authority: its directory, its nonces, its problem documents. */
export class AcmeClient {
  readonly url: string;
  readonly directory: Directory;
  readonly #transport: Transport;
  readonly #nonces: string[];

  private constructor(url: string, directory: Directory, transport: Transport) {
    this.url = url;
    this.directory = directory;
    this.#transport = transport;
    this.#nonces = [];
  }

  /** Reads the directory at `url`. @throws {AcmeError} */
  static async open(url: string, transport: Transport): Promise<AcmeClient> {
    const answer = await exchange(url, {}, transport);
    if (answer.status !== 200) throw refusal(answer);
    return new AcmeClient(url, parseDirectory(answer.json()), transport);
  }

  get clock(): Clock {
    return this.#transport.clock;
  }

  get limits(): AcmeLimits {
    return this.#transport.limits;
  }

  /** Waits, unless the manager stops. */
  sleep(ms: number): Promise<void> {
    return this.#transport.clock.sleep(ms, this.#transport.signal);
  }

  /** An unsigned GET. @throws {AcmeError} unless the answer is 200. */
  async get(url: string): Promise<Answer> {
    const answer = await exchange(url, {}, this.#transport);
    if (answer.status !== 200) throw refusal(answer);
    return answer;
  }

  /** A signed POST; without `payload` a POST-as-GET. @throws {AcmeError} unless the answer is 2xx. */
  async post(signer: Signer, url: string, payload?: unknown): Promise<Answer> {
    for (let tries = 1; ; tries++) {
      const nonce = this.#nonces.pop() ?? (await this.#freshNonce());
      const answer = await this.#send(url, signJws(signer.key, { nonce, url, ...whoSigns(signer) }, payload));
      if (answer.status >= 200 && answer.status < 300) return answer;
      const error = refusal(answer);
      if (error.problem !== "badNonce" || tries >= maxBadNonces) throw error;
    }
  }

  async #send(url: string, jws: Jws): Promise<Answer> {
    const headers = { "content-type": "application/jose+json" };
    const answer = await exchange(url, { method: "POST", headers, body: JSON.stringify(jws) }, this.#transport);
    this.#keepNonce(answer); // errors carry one as well (RFC 8555 §6.5)
    return answer;
  }

  async #freshNonce(): Promise<string> {
    const answer = await exchange(this.directory.newNonce, { method: "HEAD" }, this.#transport);
    this.#keepNonce(answer);
    const nonce = this.#nonces.pop();
    if (nonce === undefined) throw new AcmeError("bad-answer", "the certificate authority gave no nonce");
    return nonce;
  }

  #keepNonce({ headers }: Answer): void {
    const nonce = headers.get("replay-nonce");
    if (nonce !== null && this.#nonces.length < maxKeptNonces) this.#nonces.push(nonce);
  }
}

function whoSigns({ key, kid }: Signer): Record<string, unknown> {
  if (kid !== undefined) return { kid };
  return { jwk: publicJwk(key) };
}

async function exchange(url: string, init: RequestInit, { fetch, clock, limits, signal }: Transport): Promise<Answer> {
  const timed = AbortSignal.any([signal, AbortSignal.timeout(limits.requestMs)]);
  const headers = { ...init.headers, "user-agent": "headscale-acme/1", "accept-language": "en" };
  try {
    const response = await fetch(url, { ...init, headers, signal: timed });
    const text = await readText(response, limits.answerBytes);
    return {
      status: response.status,
      headers: response.headers,
      text,
      retryAfterMs: parseRetryAfter(response.headers.get("retry-after"), clock.now()),
      json: () => parseJson(text),
    };
  } catch (cause) {
    signal.throwIfAborted();
    if (cause instanceof AcmeError) throw cause;
    throw new AcmeError("unreachable", `no answer from ${new URL(url).host}: ${reason(cause)}`, { cause });
  }
}

async function readText({ body }: Response, maxBytes: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body ?? []) {
    size += chunk.length;
    if (size > maxBytes) throw new AcmeError("bad-answer", "the certificate authority's answer is too long");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new AcmeError("bad-answer", "the certificate authority's answer is not JSON", { cause });
  }
}

/** What an answer that is no success means. */
function refusal(answer: Answer): AcmeError {
  const problem = problemIn(answer);
  const code = answer.status >= 500 ? "unreachable" : "refused";
  const said = problem ? `${problem.type}: ${problem.detail}` : "no reason given";
  return new AcmeError(code, `the certificate authority answered ${answer.status}, ${said}`, {
    problem: problem?.type,
    retryAfterMs: answer.retryAfterMs,
  });
}

function problemIn({ text }: Answer) {
  try {
    return parseProblem(JSON.parse(text));
  } catch {
    return undefined; // a proxy's HTML page, for example
  }
}

/** fetch hides the useful half in `cause`. */
function reason(error: unknown): string {
  if (!(error instanceof Error)) return "unknown failure";
  return error.cause instanceof Error ? error.cause.message : error.message;
}
