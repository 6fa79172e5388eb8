import { getCACertificates, setDefaultCACertificates } from "node:tls";

let done = false;

/**
 * From now on, connections trust the authorities of this system beside those that come with Node, as Go's programs do.
 * Only asked for when a certificate was refused: reading them takes longer than most calls.
 * @returns whether that is news.
 */
export function trustTheSystem(): boolean {
  if (done) return false;
  done = true;
  setDefaultCACertificates([...getCACertificates("default"), ...getCACertificates("system")]);
  return true;
}
