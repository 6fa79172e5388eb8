import type { NaclBox } from "#box/nacl-box.ts";
import { DerpError } from "#derp-error.ts";
import { PROTOCOL_VERSION } from "#protocol.ts";
import { jsonFields } from "./json-fields.ts";

/** What a relay says of itself. The limit counts whole SendPacket frames, 37 bytes of framing each included. Source: tailscale derp/derp_client.go@de9ec7ee. */
export interface ServerInfo {
  readonly version: number;
  /** A client drops what exceeds this, silently. */
  readonly tokenBucketBytesPerSecond?: number;
  /** Never without the rate nor the rate without it: a client with a rate and no burst drops everything. */
  readonly tokenBucketBytesBurst?: number;
}

export function sealServerInfo(box: NaclBox, limit?: { bytesPerSecond: number; burstBytes: number }): Buffer {
  const info = {
    version: PROTOCOL_VERSION,
    ...(limit && { TokenBucketBytesPerSecond: limit.bytesPerSecond, TokenBucketBytesBurst: limit.burstBytes }),
  };
  return box.seal(Buffer.from(JSON.stringify(info)));
}

/** @throws {DerpError} `bad-login` */
export function openServerInfo(box: NaclBox, sealed: Uint8Array): ServerInfo {
  const plain = box.open(sealed);
  const fields = plain && jsonFields(plain.toString("utf8"));
  if (fields === undefined) throw new DerpError("bad-login", "ServerInfo does not open");
  const number = (name: string) => {
    const value = fields.get(name.toLowerCase());
    return typeof value === "number" ? value : 0;
  };
  const rate = number("TokenBucketBytesPerSecond");
  const burst = number("TokenBucketBytesBurst");
  return {
    version: number("version"),
    ...(rate > 0 && { tokenBucketBytesPerSecond: rate, tokenBucketBytesBurst: burst }),
  };
}
