/** Why the relay ends a connection, refuses a login, or a client gives up. */
export type DerpErrorCode =
  /** A frame's length does not fit its type, or exceeds a limit. */
  | "bad-frame"
  /** The first frame is no ClientInfo, its box does not open, or its JSON is wrong. */
  | "bad-login"
  /** A public key that is zero or of low order: its box would prove nothing. */
  | "bad-key"
  /** The verifier does not let the node in. */
  | "not-allowed"
  /** A mesh frame from a client without the mesh key. */
  | "no-mesh-right"
  /** The HTTP part of the connection went wrong. */
  | "bad-upgrade"
  /** A deadline passed: login, write, or answer to a keep-alive. */
  | "too-slow"
  /** The relay holds as many connections as it may. */
  | "too-many"
  /** Closed by command: the node is gone, or the relay shuts down. */
  | "closed"
  /** The other side hung up, or the network failed. */
  | "disconnected";

/** A DERP connection cannot go on. Nothing of this is told to the peer: it sees a closed connection. */
export class DerpError extends Error {
  override readonly name = "DerpError";
  readonly code: DerpErrorCode;
  constructor(code: DerpErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
