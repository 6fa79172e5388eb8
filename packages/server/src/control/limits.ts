import type { ReportLimits } from "@headscale/tailcfg/codec";
import type { BodyLimits } from "./body.ts";
import type { Rate } from "./token-buckets.ts";

/** What one machine may cost behind Noise. Times in milliseconds, sizes in bytes. */
export interface ControlLimits {
  readonly body: BodyLimits;
  /** What a client may report about itself. */
  readonly report: ReportLimits;
  readonly sessionsPerMachine: number;
  /** Begun from one address, in a minute. */
  readonly loginsPerMinute: number;
  /** Longest hold of a follow-up before it is answered anew; clients set no deadline of their own. */
  readonly loginHoldMs: number;
  /** The same for an SSH connection that waits for its approval. */
  readonly sshCheckHoldMs: number;
  /** When a client comes back that was one too many. */
  readonly retryAfterMs: number;
  /** Answers of nodes that are waited for at once. */
  readonly questions: number;
  readonly webSocketMessageBytes: number;
  /** How long the other side may take to hang up after our last word. */
  readonly hangUpMs: number;
  /** Noise handshakes of one address: each costs 0.4 ms of processor time before anything is known of the machine. */
  readonly handshakes: Rate;
  /** From the handshake to the first byte of HTTP/2. */
  readonly firstByteMs: number;
  /** Requests of one machine. */
  readonly requests: Rate;
  /** Requests beyond its rate after which a connection is cut. */
  readonly refusals: number;
  /** Map requests of one machine, updates included; more have to wait. */
  readonly mapRequests: Rate;
  /** Unfinished bodies of one machine, or of all strangers at one address. */
  readonly heldBodyBytes: number;
  /** How long a client may take for 64 KiB of a map. */
  readonly mapWriteMs: number;
  /** Open requests of one connection. */
  readonly streams: number;
  /**
   * A stranger is a machine without a node: its key is free, so its address answers for it (IPv6: its /64), together with
   * all other strangers there.
   */
  readonly strangers: {
    readonly connections: number;
    readonly requests: Rate;
    /** Open requests of one connection. */
    readonly streams: number;
    readonly bodyBytes: number;
  };
  /** A peer that is silent for `pingIntervalMs + pingTimeoutMs` is gone: should be well below the clients' own 120 s. */
  readonly pingIntervalMs: number;
  readonly pingTimeoutMs: number;
}
