/**
 * Every number and name of the ts2021 byte protocol: a Noise handshake carried by an HTTP upgrade, then records.
 * "tailscale" below is github.com/tailscale/tailscale@de9ec7ee; "Noise" is the Noise Protocol Framework, revision 34.
 */

/** Handshake pattern and primitives, hashed into the first handshake hash. tailscale control/controlbase/handshake.go */
export const protocolName = "Noise_IK_25519_ChaChaPoly_BLAKE2s";
/** Prologue, followed by the client's capability version in decimal. tailscale control/controlbase/handshake.go */
export const prologuePrefix = "Tailscale Control Protocol v";

/** Bytes of a Curve25519 key, of a BLAKE2s digest and of a ChaCha20 key: Noise §12.1, RFC 7693, RFC 8439 §2.3. */
export const keyBytes = 32;
/** Bytes of a Poly1305 tag. RFC 8439 §2.8 */
export const tagBytes = 16;
/** Bytes of a ChaCha20-Poly1305 nonce. RFC 8439 §2.8 */
export const nonceBytes = 12;

/** First byte of each frame (third byte of an initiation). tailscale control/controlbase/messages.go */
export const frameType = {
  /** client → server: e ‖ sealed machine key ‖ tag */
  initiation: 1,
  /** server → client: e ‖ tag */
  response: 2,
  /** server → client instead of a response: unauthenticated text */
  error: 3,
  /** both ways: one sealed record */
  record: 4,
} as const;

/** Type byte and big-endian u16 payload length. tailscale control/controlbase/messages.go */
export const headerBytes = 3;
/** An initiation has the client's capability version (big-endian u16) before that header. */
export const versionBytes = 2;
/** The version travels and is mixed in as a u16. */
export const maxVersion = 0xffff;

export const initiationPayloadBytes: number = keyBytes + (keyBytes + tagBytes) + tagBytes;
export const initiationBytes: number = versionBytes + headerBytes + initiationPayloadBytes;
export const responsePayloadBytes: number = keyBytes + tagBytes;
export const responseBytes: number = headerBytes + responsePayloadBytes;

/** Largest record on the wire, header included. tailscale control/controlbase/conn.go maxMessageSize */
export const maxFrameBytes = 4096;
export const maxCiphertextBytes: number = maxFrameBytes - headerBytes;
/** Most plaintext in one record: 4077 bytes. */
export const maxPlaintextBytes: number = maxCiphertextBytes - tagBytes;

/** Starts an early payload; no HTTP/2 frame header starts so. tailscale control/ts2021/conn.go */
export const earlyPayloadMagic: Uint8Array = Uint8Array.of(0xff, 0xff, 0xff, 0x54, 0x53);
/** Magic and big-endian u32 length: as long as an HTTP/2 frame header. tailscale control/ts2021/conn.go */
export const earlyHeaderBytes = 9;
/** Longest early payload a client reads. tailscale control/ts2021/conn.go */
export const maxEarlyPayloadBytes: number = 10 << 20;

/** Request path of the upgrade. tailscale control/controlhttp/client.go */
export const upgradePath = "/ts2021";
/** `Upgrade` header and WebSocket subprotocol; clients compare it case-sensitively. tailscale control/controlhttp/constants.go */
export const upgradeProtocol = "tailscale-control-protocol";
/** Header, or query parameter of a WebSocket, with the base64 of the initiation. tailscale control/controlhttp/constants.go */
export const handshakeHeader = "X-Tailscale-Handshake";
