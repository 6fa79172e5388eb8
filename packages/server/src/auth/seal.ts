import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto";
import type { PrivateKey } from "@headscale/tailcfg/keys";

const [nonceBytes, tagBytes] = [12, 16];
const algorithm = "aes-256-gcm";

/**
 * Closes what a browser keeps for us, so that it can neither be read nor changed there. The key comes out of the server's
 * own, so every replica opens what another has closed, also after a restart.
 */
export class Seal {
  readonly #key: Uint8Array;

  constructor(serverKey: PrivateKey) {
    this.#key = new Uint8Array(hkdfSync("sha256", serverKey.reveal(), "", "headscale browser seal 1", 32));
  }

  /** `purpose` has to be the same when it is opened; `expiresAt` in ms since the epoch. The answer fits into a cookie. */
  close(purpose: string, content: object, expiresAt: number): string {
    const nonce = randomBytes(nonceBytes);
    const cipher = createCipheriv(algorithm, this.#key, nonce).setAAD(Buffer.from(purpose));
    const text = JSON.stringify({ content, expiresAt });
    return Buffer.concat([nonce, cipher.update(text, "utf8"), cipher.final(), cipher.getAuthTag()]).toString(
      "base64url",
    );
  }

  /** What was closed for this purpose; undefined when it was not closed here, was changed, or has run out at `now`. */
  open<T extends object>(purpose: string, sealed: string, now: number): T | undefined {
    const bytes = Buffer.from(sealed, "base64url");
    if (bytes.length <= nonceBytes + tagBytes) return undefined;
    const decipher = createDecipheriv(algorithm, this.#key, bytes.subarray(0, nonceBytes), { authTagLength: tagBytes })
      .setAAD(Buffer.from(purpose))
      .setAuthTag(bytes.subarray(-tagBytes));
    const body = bytes.subarray(nonceBytes, -tagBytes);
    try {
      const text = Buffer.concat([decipher.update(body), decipher.final()]).toString();
      const { content, expiresAt } = JSON.parse(text) as { content: T; expiresAt: number };
      return expiresAt > now ? content : undefined;
    } catch {
      return undefined;
    }
  }
}
