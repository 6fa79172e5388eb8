import type { X509Certificate } from "node:crypto";
import { isIP } from "node:net";

const dayMs = 86_400_000;
/** Whoever renews by hand needs some notice; whoever renews by program has done so long before. */
const noticeDays = 7;

/**
 * What clients will refuse, or soon will, about the dates and names of a certificate; `undefined` when all is well.
 * `now` in ms since the epoch; `host` is what clients dial.
 */
export function certificateDoubt(certificate: X509Certificate, now: number, host?: string): string | undefined {
  const [from, to] = [certificate.validFromDate, certificate.validToDate];
  if (to.getTime() <= now) return `has expired on ${to.toISOString()}: clients refuse it`;
  if (from.getTime() > now)
    return `is not valid before ${from.toISOString()}: clients refuse it until then; is this machine's clock right?`;
  if (host !== undefined && !covers(certificate, host))
    return `is not for ${host}, which server_url names: clients refuse it`;
  const days = Math.ceil((to.getTime() - now) / dayMs);
  return days <= noticeDays
    ? `expires on ${to.toISOString()}, in ${days} day${days === 1 ? "" : "s"}: renew it`
    : undefined;
}

function covers(certificate: X509Certificate, host: string): boolean {
  return (isIP(host) === 0 ? certificate.checkHost(host) : certificate.checkIP(host)) !== undefined;
}
