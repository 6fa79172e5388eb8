const minuteMs = 60_000;
const dayMs = 86_400_000;

/** Validity of a certificate, in epoch milliseconds. */
export interface Validity {
  readonly notBefore: number;
  readonly notAfter: number;
}

/** When the authority would like us to renew (RFC 9773 §4.2), in epoch milliseconds. */
export interface RenewalWindow {
  readonly start: number;
  readonly end: number;
}

/**
 * The moment to renew a certificate, never before `now`.
 *
 * With a window from the authority: a moment inside it. Otherwise after two thirds of the lifetime, or half of one
 * shorter than ten days, spread over a thirtieth of it. However late a window is, nine tenths of the lifetime are the
 * end, so that an outage of the authority does not become ours; however early it is, a certificate is kept for a day
 * (or a tenth of its lifetime), so that an authority whose windows have always passed does not get an endless row of orders.
 *
 * @param fraction in [0, 1): drawn once for a certificate, so that asking again does not move the moment.
 */
export function nextRenewal(
  now: number,
  { notBefore, notAfter }: Validity,
  window: RenewalWindow | undefined,
  fraction: number,
): number {
  const lifetime = notAfter - notBefore;
  const share = lifetime < 10 * dayMs ? 1 / 2 : 2 / 3;
  const own = notBefore + lifetime * (share + fraction / 30);
  const wished = window ? window.start + (window.end - window.start) * fraction : own;
  const earliest = notBefore + Math.min(dayMs, lifetime / 10);
  return Math.max(now, earliest, Math.min(wished, notBefore + lifetime * 0.9));
}

/** How failed attempts are spaced: doubling from a minute up to a bound. */
export const retryBounds = {
  /** Nobody answered: asking costs the authority nothing, and it may be back any minute. */
  unreachable: 10 * minuteMs,
  /** It answered no: authorities count failures (Let's Encrypt: five validations an hour). */
  refused: 6 * 60 * minuteMs,
} as const;

/**
 * How long to wait after the `failures`-th failure in a row (from 1), in milliseconds, ±25 % by `fraction` in [0, 1).
 * What the authority asked for (`retryAfterMs`) is a lower bound, itself believed up to a day.
 */
export function retryDelay(
  failures: number,
  kind: keyof typeof retryBounds,
  fraction: number,
  retryAfterMs: number | undefined,
): number {
  const doubled = Math.min(minuteMs * 2 ** Math.min(failures - 1, 30), retryBounds[kind]);
  const jittered = doubled * (0.75 + fraction / 2);
  return Math.max(jittered, Math.min(retryAfterMs ?? 0, dayMs));
}
