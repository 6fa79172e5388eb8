import { createHash, randomBytes } from "node:crypto";
import { type AuthRequestId, type HashedSecret, parseAuthRequestId } from "@headscale/tailnet";

/** A fresh secret: shown once, kept as its hash. */
export interface FreshSecret {
  readonly text: string;
  readonly hashed: HashedSecret;
}

type KeyKind = "auth" | "api";

/** `hskey-KIND-<12 hex>-<64 hex>`; only the last part is secret. Source: headscale f20f1f12 hscontrol/db/preauth_keys.go. */
export function freshKey(kind: KeyKind): FreshSecret {
  const prefix = randomBytes(6).toString("hex");
  const secret = randomBytes(32).toString("hex");
  return { text: `hskey-${kind}-${prefix}-${secret}`, hashed: { prefix, hash: hashOf(secret) } };
}

/** Prefix and hash of a presented key; undefined when the text cannot be one. */
export function hashedKey(kind: KeyKind, text: string): HashedSecret | undefined {
  const [, foundKind, prefix, secret] = /^hskey-(auth|api)-([0-9a-f]{12})-([0-9a-f]{64})$/.exec(text.trim()) ?? [];
  if (foundKind !== kind || prefix === undefined || secret === undefined) return undefined;
  return { prefix, hash: hashOf(secret) };
}

/** SHA-256, hex: the secrets have 256 bits of their own, so a slow hash would add nothing. */
function hashOf(secret: string): string {
  return createHash("sha256").update(secret).digest("hex");
}

/** `hskey-authreq-<24 hex>` */
export function freshAuthId(): AuthRequestId {
  return parseAuthRequestId(`hskey-authreq-${randomBytes(12).toString("hex")}`);
}
