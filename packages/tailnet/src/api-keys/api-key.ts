import type { ApiKeyId } from "#world/ids.ts";

/** Credential of an administrator. Only the SHA-256 of its secret is kept. Times in ms since the epoch. */
export interface ApiKey {
  readonly id: ApiKeyId;
  /** 12 characters, public. */
  readonly prefix: string;
  readonly hash: string;
  readonly expiresAt?: number;
  readonly createdAt: number;
}
