import { NodeKey } from "@headscale/tailcfg/keys";
import { ADDRESS_BYTES, FrameType, KEY_BYTES, PING_BYTES } from "#protocol.ts";

/** What a relay tells a client after its login. */
export type DerpMessage =
  | { readonly kind: "packet"; readonly source: NodeKey; readonly packet: Buffer }
  | { readonly kind: "peer-gone"; readonly peer: NodeKey; readonly reason: number }
  /** Only watchers get these. `address` has 16 bytes; old relays leave it out, and the flags too. */
  | {
      readonly kind: "peer-present";
      readonly peer: NodeKey;
      readonly address?: Buffer;
      readonly port?: number;
      readonly flags: number;
    }
  | { readonly kind: "ping"; readonly payload: Buffer }
  | { readonly kind: "pong"; readonly payload: Buffer }
  | { readonly kind: "keep-alive" }
  /** Empty: all is well again. */
  | { readonly kind: "health"; readonly text: string }
  | { readonly kind: "restarting"; readonly reconnectInMs: number; readonly tryForMs: number };

type Decode = (payload: Buffer) => DerpMessage | undefined;

const PORT_AT = KEY_BYTES + ADDRESS_BYTES;
const FLAGS_AT = PORT_AT + 2;
const keyIn = (payload: Buffer) => NodeKey.fromBytes(payload.subarray(0, KEY_BYTES));

const DECODERS: Readonly<Record<number, Decode | undefined>> = {
  [FrameType.recvPacket]: (payload) =>
    payload.length < KEY_BYTES
      ? undefined
      : { kind: "packet", source: keyIn(payload), packet: payload.subarray(KEY_BYTES) },
  [FrameType.peerGone]: (payload) =>
    payload.length < KEY_BYTES
      ? undefined
      : { kind: "peer-gone", peer: keyIn(payload), reason: payload[KEY_BYTES] ?? 0 },
  [FrameType.peerPresent]: (payload) =>
    payload.length < KEY_BYTES
      ? undefined
      : {
          kind: "peer-present",
          peer: keyIn(payload),
          ...(payload.length >= FLAGS_AT && {
            address: payload.subarray(KEY_BYTES, PORT_AT),
            port: payload.readUInt16BE(PORT_AT),
          }),
          flags: payload[FLAGS_AT] ?? 0,
        },
  [FrameType.ping]: (payload) =>
    payload.length < PING_BYTES ? undefined : { kind: "ping", payload: payload.subarray(0, PING_BYTES) },
  [FrameType.pong]: (payload) =>
    payload.length < PING_BYTES ? undefined : { kind: "pong", payload: payload.subarray(0, PING_BYTES) },
  [FrameType.keepAlive]: () => ({ kind: "keep-alive" }),
  [FrameType.health]: (payload) => ({ kind: "health", text: payload.toString("utf8") }),
  [FrameType.restarting]: (payload) =>
    payload.length < 8
      ? undefined
      : { kind: "restarting", reconnectInMs: payload.readUInt32BE(0), tryForMs: payload.readUInt32BE(4) },
};

/** Whether a client acts on frames of this type; it passes over all others. */
export function isMessageType(type: number): boolean {
  return DECODERS[type] !== undefined;
}

/** Undefined for a type that is no message, or a payload too short: clients pass over both (tailscale derp_client.go@de9ec7ee). */
export function decodeMessage(type: number, payload: Buffer): DerpMessage | undefined {
  return DECODERS[type]?.(payload);
}
