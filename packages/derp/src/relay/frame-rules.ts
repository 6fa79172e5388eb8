import { DerpError } from "#derp-error.ts";
import {
  FrameType,
  KEY_BYTES,
  MAX_PACKET_BYTES,
  MAX_PING_BYTES,
  MAX_UNKNOWN_FRAME_BYTES,
  PING_BYTES,
} from "#protocol.ts";

interface FrameRule {
  readonly min: number;
  readonly max: number;
  /** Only with the mesh key. */
  readonly mesh?: true;
}

/** The frames a relay acts on, with the payload lengths it takes. Source: tailscale derpserver.go handleFrame*@de9ec7ee. */
const RULES: Readonly<Record<number, FrameRule | undefined>> = {
  [FrameType.sendPacket]: { min: KEY_BYTES, max: KEY_BYTES + MAX_PACKET_BYTES },
  [FrameType.notePreferred]: { min: 1, max: 1 },
  [FrameType.ping]: { min: PING_BYTES, max: MAX_PING_BYTES },
  [FrameType.forwardPacket]: { min: 2 * KEY_BYTES, max: 2 * KEY_BYTES + MAX_PACKET_BYTES, mesh: true },
  [FrameType.watchConns]: { min: 0, max: 0, mesh: true },
  [FrameType.closePeer]: { min: KEY_BYTES, max: KEY_BYTES, mesh: true },
};

/**
 * Whether the relay knows what to do with such a frame of a logged-in client. Unknown ones are passed over, as the next release may
 * send them. @throws {DerpError} `bad-frame` for a wrong length, `no-mesh-right`
 */
export function isKnownFrame(type: number, length: number, hasMeshRight: boolean): boolean {
  const rule = RULES[type];
  if (rule === undefined) {
    if (length > MAX_UNKNOWN_FRAME_BYTES) throw new DerpError("bad-frame", `unknown frame ${type} of ${length} bytes`);
    return false;
  }
  if (rule.mesh && !hasMeshRight) throw new DerpError("no-mesh-right", `frame ${type} needs the mesh key`);
  if (length < rule.min || length > rule.max) throw new DerpError("bad-frame", `frame ${type} of ${length} bytes`);
  return true;
}
