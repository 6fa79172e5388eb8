import type { NodeKey } from "@headscale/tailcfg/keys";
import type { NodeVerifier } from "./node-verifier.ts";

export interface AdmissionBounds {
  readonly verifyTimeoutMs: number;
  readonly refusalMs: number;
  /** Remembered at most; the oldest go first. */
  readonly refusals: number;
}

/**
 * Asks the verifier, once per login, and remembers refusals for a while: a refused client with packets to send redials at once,
 * as often as it has packets (tailscale wgengine/magicsock/derp.go@de9ec7ee).
 */
export class Admission {
  readonly #verifier: NodeVerifier;
  readonly #bounds: AdmissionBounds;
  readonly #now: () => number;
  readonly #refusedUntil = new Map<string, number>();

  constructor(verifier: NodeVerifier, bounds: AdmissionBounds, now: () => number) {
    this.#verifier = verifier;
    this.#bounds = bounds;
    this.#now = now;
  }

  async allows(nodeKey: NodeKey, sourceAddress: string): Promise<boolean> {
    const visitor = `${nodeKey} ${sourceAddress}`;
    if ((this.#refusedUntil.get(visitor) ?? 0) > this.#now()) return false;
    this.#refusedUntil.delete(visitor);
    const allowed = await this.#ask(nodeKey, sourceAddress);
    if (!allowed) this.#remember(visitor);
    return allowed;
  }

  /** Forgets refusals of a key that has since become known. */
  forget(nodeKey: NodeKey): void {
    for (const visitor of this.#refusedUntil.keys())
      if (visitor.startsWith(`${nodeKey} `)) this.#refusedUntil.delete(visitor);
  }

  async #ask(nodeKey: NodeKey, sourceAddress: string): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined;
    const tooLate = new Promise<false>((resolve) => {
      timer = setTimeout(resolve, this.#bounds.verifyTimeoutMs, false);
    });
    try {
      return await Promise.race([this.#verifier.allow(nodeKey, sourceAddress), tooLate]);
    } catch {
      return false;
    } finally {
      clearTimeout(timer);
    }
  }

  #remember(visitor: string): void {
    if (this.#refusedUntil.size >= this.#bounds.refusals) {
      const [oldest] = this.#refusedUntil.keys();
      if (oldest !== undefined) this.#refusedUntil.delete(oldest);
    }
    this.#refusedUntil.set(visitor, this.#now() + this.#bounds.refusalMs);
  }
}
