import type { HashedSecret, World } from "@headscale/tailnet";
import { BcryptChecks } from "./bcrypt-checks.ts";
import { type KeyKind, keyParts, legacyAuthKey, sha256Of } from "./secrets.ts";

/** Makes of the text that somebody presents what can be compared with what is kept of the key. */
export class PresentedKeys {
  readonly #world: () => World;
  readonly #bcrypt = new BcryptChecks();

  constructor(world: () => World) {
    this.#world = world;
  }

  /** Undefined when the text cannot be a key of this kind; a wrong secret comes out as a hash that fits nothing. */
  async read(kind: KeyKind, text: string): Promise<HashedSecret | undefined> {
    const parts = keyParts(kind, text);
    if (!parts) return kind === "auth" ? legacyAuthKey(text) : undefined;
    const { prefix, secret } = parts;
    const stored = this.#storedHash(kind, prefix);
    if (stored?.startsWith("$2") && (await this.#bcrypt.matches(stored, secret))) return { prefix, hash: stored };
    return { prefix, hash: sha256Of(secret) };
  }

  #storedHash(kind: KeyKind, prefix: string): string | undefined {
    const { index, authKeys, apiKeys } = this.#world();
    if (kind === "auth") {
      const id = index.authKeyByPrefix.get(prefix);
      return id === undefined ? undefined : authKeys.get(id)?.hash;
    }
    const id = index.apiKeyByPrefix.get(prefix);
    return id === undefined ? undefined : apiKeys.get(id)?.hash;
  }
}
