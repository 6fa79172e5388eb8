import { createHash, timingSafeEqual } from "node:crypto";

/** Compares in a time that tells nothing of where two texts differ, nor how long the secret is. */
export function equalSecret(a: string, b: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}
