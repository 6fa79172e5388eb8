/** How much a client may say about itself, as peers get to see it. */
export interface ReportLimits {
  /** Clients send a few dozen candidates; more is not a client. */
  readonly endpoints: number;
  /** Routes, tags, services and SSH keys, each. */
  readonly listEntries: number;
  /** Characters of what peers may get to see of a Hostinfo: a few services and keys are 2 KiB. */
  readonly hostinfoBytes: number;
}

export const defaultReportLimits: ReportLimits = { endpoints: 512, listEntries: 4096, hostinfoBytes: 64 * 1024 };
