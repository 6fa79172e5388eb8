/** What talking to a certificate authority may cost. */
export interface AcmeLimits {
  /** For one answer. */
  readonly requestMs: number;
  /** One answer: a chain of certificates is about 6 KB. */
  readonly answerBytes: number;
  /** From the first question to the certificate; for so long one daemon has the right to order. */
  readonly orderMs: number;
}

export const defaultAcmeLimits: AcmeLimits = { requestMs: 30_000, answerBytes: 256 * 1024, orderMs: 10 * 60_000 };
