/**
 * Constants of the DERP protocol, version 2. Every number on the wire is big endian.
 * Sources: tailscale derp/derp.go, derp/derpserver/derpserver.go and disco/disco.go @de9ec7ee, unless a line names another.
 */

/** `version` in ClientInfo and ServerInfo, and the serial number of the meta certificate. */
export const PROTOCOL_VERSION = 2;

/** `DERP🔑` in UTF-8: the first eight bytes of a ServerKey frame. */
export const MAGIC = Buffer.from("44455250f09f9491", "hex");

/** Type (u8) and payload length (u32) in front of every payload. */
export const HEADER_BYTES = 5;
/** A Curve25519 public key: how a client is addressed. */
export const KEY_BYTES = 32;
/** A NaCl box nonce, in front of each box. */
export const NONCE_BYTES = 24;
/** The address part of PeerPresent: IPv6 (IPv4 mapped) and port. */
export const ADDRESS_BYTES = 16;
/** Largest packet relayed; WireGuard's own are far smaller. */
export const MAX_PACKET_BYTES = 65_536;
/** Largest frame of a type the relay does not know (since 1.104.5; de9ec7ee has no limit). */
export const MAX_UNKNOWN_FRAME_BYTES = MAX_PACKET_BYTES + KEY_BYTES;
/** Largest frame a client takes; it hangs up on longer ones. */
export const MAX_CLIENT_FRAME_BYTES = 1_048_576;
/** Payload of Ping and Pong; a Ping may carry more, up to MAX_PING_BYTES, which is not echoed. */
export const PING_BYTES = 8;
export const MAX_PING_BYTES = 1000;

/** Frame types. C = client, S = relay, M = a client that proved the mesh key. */
export const FrameType = {
  /** S→C: magic 8, server key 32, bytes for the future. First frame of a connection. */
  serverKey: 0x01,
  /** C→S: client key 32, nonce 24, box of JSON. First frame of a client. */
  clientInfo: 0x02,
  /** S→C: nonce 24, box of JSON. Nothing else may precede it but ServerKey. */
  serverInfo: 0x03,
  /** C→S: destination key 32, packet. */
  sendPacket: 0x04,
  /** S→C: source key 32, packet. As long as the SendPacket it came from. */
  recvPacket: 0x05,
  /** S→C: empty. */
  keepAlive: 0x06,
  /** C→S: one byte, not 0 if the client calls this relay its home. Statistics only. */
  notePreferred: 0x07,
  /** S→C: key 32, reason u8 (see PeerGoneReason). */
  peerGone: 0x08,
  /** S→M: key 32, IP 16, port u16, flags u8 (see PresentFlag); later releases append more. */
  peerPresent: 0x09,
  /** M→S: source key 32, destination key 32, packet. Goes one hop at most. */
  forwardPacket: 0x0a,
  /** M→S: empty. Asks for PeerPresent and PeerGone of every client, from now on. */
  watchConns: 0x10,
  /** M→S: key 32. Closes all connections of the key. */
  closePeer: 0x11,
  /** Both ways: 8 bytes to be echoed. */
  ping: 0x12,
  /** Both ways: the 8 bytes of the Ping. */
  pong: 0x13,
  /** S→C: UTF-8 text of a problem; empty takes it back. */
  health: 0x14,
  /** S→C: milliseconds until reconnecting u32, milliseconds of trying u32. */
  restarting: 0x15,
} as const;

export const PeerGoneReason = {
  /** The peer's last connection in the region ended. */
  disconnected: 0x00,
  /** The peer a disco packet was for is unknown here. */
  notHere: 0x01,
} as const;

export const PresentFlag = {
  /** Set only when no other flag is; 0 would mean a relay too old to know flags. */
  regular: 1,
  meshPeer: 2,
  prober: 4,
  /** The client would rather be at another node of the region. */
  notIdeal: 8,
} as const;

/** Handshake header (value `1`): write no HTTP answer, begin with ServerKey. */
export const FAST_START_HEADER = "derp-fast-start";
/** Handshake header: name of the region's first node, when the client is connected to another. */
export const IDEAL_NODE_HEADER = "ideal-node";
/** WebSocket subprotocol. */
export const WEBSOCKET_PROTOCOL = "derp";
/** Largest WebSocket message of either side: the default limit of the library Tailscale uses (github.com/coder/websocket read.go v1.8.12). */
export const MAX_WEBSOCKET_MESSAGE_BYTES = 32_768;

/** Common name of the meta certificate, before the 64 hex digits of the relay's key. Source: derp/derpconst/derpconst.go. */
export const META_CERTIFICATE_PREFIX = "derpkey";

/** Disco packets (path discovery) start with `TS💬`, then a key and a nonce: shorter ones are not disco. */
export const DISCO_MAGIC = Buffer.from("5453f09f92ac", "hex");
export const MIN_DISCO_BYTES = DISCO_MAGIC.length + KEY_BYTES + NONCE_BYTES;

/** Clients hang up after 120 s without a frame; half of that. */
export const KEEP_ALIVE_MS = 60_000;
