import { TailnetError } from "#tailnet-error.ts";
import type { PreAuthKeyId, TailnetId, UserId } from "#world/ids.ts";

/** A key that registers nodes without a person. Only the SHA-256 of its secret is kept. Times in ms since the epoch. */
export interface PreAuthKey {
  readonly id: PreAuthKeyId;
  readonly tailnet: TailnetId;
  /** Absent for keys that only carry tags. */
  readonly userId?: UserId;
  /** 12 hex digits, public. */
  readonly prefix: string;
  /** SHA-256 of the secret part, hex. */
  readonly hash: string;
  readonly reusable: boolean;
  readonly ephemeral: boolean;
  readonly used: boolean;
  readonly tags: readonly string[];
  readonly expiresAt?: number;
  readonly createdAt: number;
  /** When somebody expired it by hand; such keys are deleted after a while, others stay as what nodes joined with. */
  readonly revokedAt?: number;
}

/** A secret as its hash: what the shell makes of the text that somebody presented or that it has just drawn. */
export interface HashedSecret {
  readonly prefix: string;
  readonly hash: string;
}

/** Equal length strings are compared without stopping at the first difference. */
export function equalInConstantTime(a: string, b: string): boolean {
  let difference = a.length ^ b.length;
  for (let i = 0; i < a.length; i++) difference |= a.charCodeAt(i) ^ (b.charCodeAt(i % Math.max(1, b.length)) || 0);
  return difference === 0;
}

/** @throws {TailnetError} with the texts that `tailscale up` shows. */
export function assertUsable(key: PreAuthKey, now: number): void {
  if (key.expiresAt !== undefined && key.expiresAt <= now) {
    throw new TailnetError("auth-key-expired", "authkey expired: ask your administrator for a new one");
  }
  if (key.used && !key.reusable) {
    throw new TailnetError(
      "auth-key-used",
      "authkey already used: it was good for one node only, ask your administrator for a new one",
    );
  }
}
