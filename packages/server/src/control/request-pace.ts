import type { Http2ServerRequest } from "node:http2";
import type { Standing } from "./connection.ts";
import type { ControlLimits } from "./limits.ts";
import { TokenBuckets } from "./token-buckets.ts";

/** How many requests whoever answers for them may make, and which connections go on asking after they were refused. */
export class RequestPace {
  readonly #limits: ControlLimits;
  readonly #members: TokenBuckets;
  readonly #strangers: TokenBuckets;
  /** Refused requests by HTTP/2 session. */
  readonly #refusals = new WeakMap<object, number>();

  constructor(limits: ControlLimits) {
    this.#limits = limits;
    this.#members = new TokenBuckets(limits.requests);
    this.#strangers = new TokenBuckets(limits.strangers.requests);
  }

  /** `refuse`: too many, come back; `cut`: told so often enough. */
  judge({ stream }: Http2ServerRequest, { isMember, key }: Standing): "serve" | "refuse" | "cut" {
    if ((isMember ? this.#members : this.#strangers).take(key)) return "serve";
    const session: object = stream.session ?? stream;
    const refusals = (this.#refusals.get(session) ?? 0) + 1;
    this.#refusals.set(session, refusals);
    return refusals > this.#limits.refusals ? "cut" : "refuse";
  }
}
