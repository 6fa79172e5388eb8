import { createHash, timingSafeEqual } from "node:crypto";
import { compare } from "bcryptjs";

/** Wrong secrets that wait to be found wrong; what comes on top is refused unseen. */
const maxWaiting = 32;

/**
 * Holds secrets against hashes that were taken over from headscale. bcrypt is slow by design and these secrets have 384
 * bits of their own, so each hash is computed once: what fitted is remembered as its SHA-256. One runs at a time.
 */
export class BcryptChecks {
  readonly #fitted = new Map<string, Buffer>();
  readonly #running = new Map<string, Promise<boolean>>();
  #last: Promise<unknown> = Promise.resolve();

  matches(hash: string, secret: string): Promise<boolean> {
    const digest = createHash("sha256").update(secret).digest();
    const known = this.#fitted.get(hash);
    if (known) return Promise.resolve(timingSafeEqual(known, digest));
    // Many machines that come with the same key at once wait for one answer.
    const question = `${hash} ${digest.toString("hex")}`;
    const running = this.#running.get(question);
    if (running !== undefined) return running;
    if (this.#running.size >= maxWaiting) return Promise.resolve(false);
    const answer = this.#last
      .then(() => compare(secret, hash))
      .then((fits) => {
        if (fits) this.#fitted.set(hash, digest);
        return fits;
      })
      .finally(() => this.#running.delete(question));
    this.#last = answer.catch(() => {});
    this.#running.set(question, answer);
    return answer;
  }
}
