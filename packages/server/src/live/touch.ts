/** What of a node's record changed, as bits that a map session collects per peer. */
export const touch = {
  /** Something that only a whole record can say. */
  record: 1,
  online: 2,
  endpoints: 4,
  homeDerp: 8,
  discoKey: 16,
  nodeKey: 32,
  keyExpiry: 64,
  capVersion: 128,
  /** The profile of its owner. */
  profile: 256,
  /** It appeared or disappeared, or its routes for one viewer did. */
  visibility: 512,
} as const;

/** What of a session's own part changed. */
export const touchSelf = {
  record: 1,
  filters: 2,
  ssh: 4,
  dns: 8,
  derpMap: 16,
} as const;
