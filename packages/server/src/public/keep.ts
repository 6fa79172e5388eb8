import type { Context } from "hono";
import { deleteCookie, setCookie } from "hono/cookie";
import type { Keepsake } from "#auth/oidc/arrival.ts";

/** What cookies depend on. */
export interface CookieTerms {
  /** Scheme, host and port that browsers use: what a proxy says about the scheme could be anybody's word. */
  readonly serverUrl: string;
  /** ms since the epoch. */
  readonly now: () => number;
}

const flags = ({ serverUrl }: CookieTerms) => ({ httpOnly: true, secure: serverUrl.startsWith("https:") });

/**
 * Lets the browser keep something for one path. `Lax`: the way back from the provider is a link from elsewhere; `Strict` for
 * what only goes from a page of ours to ourselves.
 */
export function keep(
  context: Context,
  terms: CookieTerms,
  { name, value, path, expiresAt }: Keepsake,
  sameSite: "Lax" | "Strict" = "Lax",
): void {
  const maxAge = Math.max(1, Math.floor((expiresAt - terms.now()) / 1000));
  setCookie(context, name, value, { ...flags(terms), path, maxAge, sameSite });
}

/** Takes it back. */
export function forget(context: Context, terms: CookieTerms, name: string, path: string): void {
  deleteCookie(context, name, { ...flags(terms), path });
}
