import { KEEP_ALIVE_MS, MAX_UNKNOWN_FRAME_BYTES } from "#protocol.ts";

/** What one client may send: the whole frame but its header counts. Mesh members are exempt. */
export interface RateLimit {
  readonly bytesPerSecond: number;
  /** Raised to 65,568, so that the largest packet fits. */
  readonly burstBytes: number;
}

/** Bounds of a relay. Times in milliseconds. Where derper has the same bound, the default is derper's (derpserver.go@de9ec7ee). */
export interface RelayLimits {
  /** Packets waiting for one slow client, in each of its two queues (path discovery, everything else). */
  readonly queueDepth: number;
  /** Bytes waiting in each of these queues. */
  readonly queueBytes: number;
  /** How long 16 KiB may take to leave for a client; then it is cut. 0 = for ever. */
  readonly writeTimeoutMs: number;
  /** The same for mesh members. */
  readonly meshWriteTimeoutMs: number;
  /** From the upgrade to a proven login, verifier included. */
  readonly loginTimeoutMs: number;
  /** How long the verifier may think; then it has refused. */
  readonly verifyTimeoutMs: number;
  /** How long a refusal is remembered for the same key and address. */
  readonly refusalMs: number;
  /** Refusals remembered; the oldest go first. */
  readonly refusals: number;
  /** What a client says of itself when it logs in. Real ones have about a hundred bytes; derper takes 256 KiB. */
  readonly clientInfoBytes: number;
  /** A client that says it answers pings and then stays silent this long after one is cut. */
  readonly pongTimeoutMs: number;
  /** A quiet client hears from the relay this often, and up to a twelfth later. */
  readonly keepAliveMs: number;
  /** The kernel's keep-alive: long, as each one wakes a sleeping phone. */
  readonly tcpKeepAliveMs: number;
  /** NotHere answers a client may get at once, and then one a second. */
  readonly notHereBurst: number;
  /** How long a refused client may take to read why. */
  readonly hangUpMs: number;
  /** Connections before their login is done, all addresses together. */
  readonly pendingLogins: number;
  /** The same of one source address: whoever never logs in must not keep everybody else from it. */
  readonly pendingLoginsPerAddress: number;
  /** Connections of one source address, which may be that of a large network, or of a proxy that hides them all. */
  readonly connectionsPerAddress: number;
  readonly rateLimit?: RateLimit;
}

export const DEFAULT_LIMITS: RelayLimits = {
  queueDepth: 32,
  queueBytes: 262_144,
  writeTimeoutMs: 2_000,
  meshWriteTimeoutMs: 30_000,
  loginTimeoutMs: 10_000,
  verifyTimeoutMs: 5_000,
  refusalMs: 10_000,
  refusals: 4_096,
  clientInfoBytes: 16_384,
  pongTimeoutMs: 30_000,
  keepAliveMs: KEEP_ALIVE_MS,
  tcpKeepAliveMs: 600_000,
  notHereBurst: 3,
  hangUpMs: 1_000,
  pendingLogins: 2_000,
  pendingLoginsPerAddress: 500,
  connectionsPerAddress: 16_384,
};

/** Undefined: no limit. */
export function effectiveRateLimit(limit: RateLimit | undefined): RateLimit | undefined {
  if (limit === undefined || limit.bytesPerSecond <= 0) return undefined;
  return {
    bytesPerSecond: limit.bytesPerSecond,
    burstBytes: Math.max(limit.burstBytes, MAX_UNKNOWN_FRAME_BYTES),
  };
}
