/** What callers of the API may cost. */
export interface AdminLimits {
  /** Watch streams at once, over all callers. */
  readonly watchers: number;
  /** A Watch stream that says nothing for this long is cut by proxies and firewalls. */
  readonly watchQuietMs: number;
  readonly pageSize: number;
  readonly defaultPageSize: number;
  /** For the answer of a node. */
  readonly pingMs: number;
}
