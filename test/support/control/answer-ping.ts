import type { PingRequest } from "@headscale/tailcfg";
import type { ControlServer } from "./control-server.ts";
import type { NoiseRequests } from "./noise-requests.ts";
import { formatRawResponse, parseRawRequest, type RawRequest, type RawResponse } from "./raw-http.ts";

/** Answers a client's C2N requests. */
export type C2NHandler = (request: RawRequest) => RawResponse | Promise<RawResponse>;

/**
 * Answers pings as a client does: HEAD to the URL (inside or outside Noise), or for `c2n` a POST, always inside Noise,
 * of the raw answer to the raw request. One that repeats the URL of the last is ignored. Other types (disco, TSMP, …)
 * need a data plane and go unanswered. Source: tailscale control/controlclient/direct.go@de9ec7ee answerPing.
 */
export class PingAnswers {
  readonly #requests: NoiseRequests;
  readonly #server: ControlServer;
  readonly #c2n: C2NHandler;
  #lastUrl: string | undefined;
  /** Pings answered, and those whose answer failed. */
  answered = 0;
  failed = 0;

  constructor(requests: NoiseRequests, server: ControlServer, c2n: C2NHandler) {
    this.#requests = requests;
    this.#server = server;
    this.#c2n = c2n;
  }

  /** Never rejects: a client logs failures and goes on. */
  async answer(ping: PingRequest): Promise<void> {
    if (!ping.URL || ping.URL === this.#lastUrl) return;
    this.#lastUrl = ping.URL;
    try {
      if (await this.#reply(ping)) this.answered += 1;
    } catch {
      this.failed += 1;
    }
  }

  async #reply({ URL: url, URLIsNoise, Types = "", Payload = "" }: PingRequest): Promise<boolean> {
    const { host: authority, pathname, search } = new URL(url);
    const path = pathname + search;
    if (Types === "c2n") {
      const answer = await this.#c2n(parseRawRequest(Buffer.from(Payload, "base64")));
      await this.#requests.send({ method: "POST", path, authority, body: formatRawResponse(answer) });
      return true;
    }
    if (Types !== "") return false;
    if (URLIsNoise) await this.#requests.send({ method: "HEAD", path, authority });
    else await this.#server.fetch("HEAD", path);
    return true;
  }
}
