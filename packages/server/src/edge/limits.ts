/** What one connection may cost. Times in milliseconds, sizes in bytes. */
export interface EdgeLimits {
  /** From accept to the first bytes that tell the protocol, PROXY header included. */
  readonly peekMs: number;
  /** Connections in that state; the oldest goes when one more comes. */
  readonly peeking: number;
  /** A whole TLS handshake. */
  readonly handshakeMs: number;
  /** A whole HTTP/1.1 head. */
  readonly headersMs: number;
  /** Fields of one HTTP/2 head; HTTP/1.1 has Node's 2,000. */
  readonly headerFields: number;
  /** One head; HTTP/2 counts each field's name, value and 32 more (RFC 9113 §6.5.2). */
  readonly headerBytes: number;
  /** A whole request body. Answers may stream for ever. */
  readonly bodyMs: number;
  readonly bodyBytes: number;
  /** How long a kept-alive HTTP/1.1 connection may rest: longer than the proxies in front keep theirs (nginx: 60 s). */
  readonly keepAliveMs: number;
  /** Requests of one HTTP/1.1 connection that wait for their answers; clients that we know send one at a time. */
  readonly pipelined: number;
  /** How long an HTTP/2 session without streams may rest. */
  readonly sessionIdleMs: number;
  /** Open streams of one HTTP/2 session. */
  readonly streams: number;
  /** Streams that a session may reset: so many at once, then so many a second. */
  readonly resets: { readonly burst: number; readonly perSecond: number };
  /** PING and SETTINGS frames of a session. Generous: gRPC clients ping with every round trip of a large answer. */
  readonly controlFrames: { readonly burst: number; readonly perSecond: number };
  /** Frames that break the protocol, and streams that are refused, after which a session is closed. */
  readonly invalidFrames: number;
  readonly rejectedStreams: number;
  /** What a session may receive in a quarter of a second that is neither a request's head nor its body. */
  readonly unexplainedBytes: number;
  /** HTTP/2 offences of one address (IPv6: of its /64) within `perMs` that shut it out for `restMs`; so many addresses are remembered. */
  readonly offences: {
    readonly most: number;
    readonly perMs: number;
    readonly restMs: number;
    readonly addresses: number;
  };
  readonly connections: number;
  /** Of one address (IPv6: of its /64); proxies that are trusted or send PROXY headers are exempt. */
  readonly connectionsPerAddress: number;
  /** TCP keep-alive in tunnels; well under the minute after which proxies and NATs forget. */
  readonly tunnelKeepAliveMs: number;
  /** How long tunnels get to say goodbye once we stop. */
  readonly tunnelGraceMs: number;
  /** How long everything else gets. */
  readonly graceMs: number;
  /** How long the other side may take to hang up after our last word. */
  readonly hangUpMs: number;
}

export const defaultLimits: EdgeLimits = {
  peekMs: 10_000,
  peeking: 4_096,
  handshakeMs: 10_000,
  headersMs: 10_000,
  headerFields: 100,
  headerBytes: 16_384,
  bodyMs: 60_000,
  bodyBytes: 4 * 1024 * 1024,
  keepAliveMs: 75_000,
  pipelined: 64,
  sessionIdleMs: 60_000,
  streams: 128,
  resets: { burst: 100, perSecond: 10 },
  controlFrames: { burst: 10_000, perSecond: 1_000 },
  invalidFrames: 50,
  rejectedStreams: 50,
  unexplainedBytes: 256 * 1024,
  offences: { most: 10, perMs: 60_000, restMs: 60_000, addresses: 10_000 },
  connections: 65_536,
  connectionsPerAddress: 4_096,
  tunnelKeepAliveMs: 30_000,
  tunnelGraceMs: 500,
  graceMs: 3_000,
  hangUpMs: 1_000,
};
