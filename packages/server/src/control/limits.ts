import type { ReportLimits } from "@headscale/tailcfg/codec";
import type { BodyLimits } from "./body.ts";

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
  readonly http2: {
    readonly streams: number;
    readonly headerFields: number;
    readonly headerBytes: number;
    readonly requestWindowBytes: number;
    readonly resets: { readonly burst: number; readonly perSecond: number };
    readonly invalidFrames: number;
    readonly rejectedStreams: number;
    /** A peer that is silent for `pingIntervalMs + pingTimeoutMs` is gone: should be well below the clients' own 120 s. */
    readonly pingIntervalMs: number;
    readonly pingTimeoutMs: number;
  };
}
