export { AcmeError, type AcmeErrorCode } from "./acme-error.ts";
export type { AcmeLimits } from "./acme-limits.ts";
export { type CertificateCache, folderCache } from "./certificate-cache.ts";
export {
  type CertificateEvent,
  type CertificateManager,
  type CertificateManagerOptions,
  createCertificateManager,
} from "./certificate-manager.ts";
export type { ChallengeType } from "./challenges.ts";
export { type Clock, systemClock } from "./clock.ts";
export { parseIdentifier } from "./identifier.ts";
export type { Authority } from "./issuer.ts";
export type { ExternalAccount } from "./jws.ts";
export type { KeyPair } from "./order.ts";
export { generateKey, keyPem, selfSignedCertificate } from "./x509.ts";
