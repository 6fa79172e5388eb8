import { createHash, randomBytes } from "node:crypto";
import { type AuthRequestId, type HashedSecret, parseAuthRequestId } from "@headscale/tailnet";

/** A fresh secret: shown once, kept as its hash. */
export interface FreshSecret {
  readonly text: string;
  readonly hashed: HashedSecret;
}

export type KeyKind = "auth" | "api";

/** `hskey-KIND-<12 hex>-<64 hex>`; only the last part is secret. Source: headscale f20f1f12 hscontrol/db/preauth_keys.go. */
export function freshKey(kind: KeyKind): FreshSecret {
  const prefix = randomBytes(6).toString("hex");
  const secret = randomBytes(32).toString("hex");
  return { text: `hskey-${kind}-${prefix}-${secret}`, hashed: { prefix, hash: sha256Of(secret) } };
}

const keyForms: Readonly<Record<KeyKind, readonly RegExp[]>> = {
  // headscale's own parts are base64url: a dash may stand anywhere, so lengths decide.
  auth: [/^hskey-auth-([\w-]{12})-([\w-]{64})$/],
  // The second is what headscale made until 0.27. Source: headscale v0.29.2 hscontrol/db/api_key.go.
  api: [/^hskey-api-([\w-]{12})-([\w-]{64})$/, /^([\w-]{7})\.([\w-]{32})$/],
};

/** The public prefix and the secret of a presented key; undefined when the text cannot be one. */
export function keyParts(
  kind: KeyKind,
  text: string,
): { readonly prefix: string; readonly secret: string } | undefined {
  for (const form of keyForms[kind]) {
    const [, prefix, secret] = form.exec(text.trim()) ?? [];
    if (prefix !== undefined && secret !== undefined) return { prefix, secret };
  }
  return undefined;
}

/** What is kept of a pre-auth key of headscale until 0.27, 48 hex digits: 144 of its bits stay secret. */
export function legacyAuthKey(text: string): HashedSecret | undefined {
  const key = text.trim();
  return /^[0-9a-f]{48}$/.test(key) ? { prefix: key.slice(0, 12), hash: sha256Of(key) } : undefined;
}

/** SHA-256, hex: the secrets have far more than 128 bits of their own, so a slow hash would add nothing. */
export function sha256Of(secret: string): string {
  return createHash("sha256").update(secret).digest("hex");
}

/** `hskey-authreq-<24 hex>` */
export function freshAuthId(): AuthRequestId {
  return parseAuthRequestId(`hskey-authreq-${randomBytes(12).toString("hex")}`);
}
