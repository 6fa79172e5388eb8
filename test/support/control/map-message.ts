import type { MapResponse } from "@headscale/tailcfg";
import { ClientFailure } from "./client-failure.ts";
import { unzstd } from "./zstd-frames.ts";

/** The keep-alive text that makes clients ≥1.90 take later frames of its length for keep-alives. */
const trappingKeepAlive = '{"KeepAlive":true}';

/**
 * One message of a map stream, from its compressed bytes.
 * @throws {ClientFailure} `bad-zstd`, `bad-json`, and `trap` for messages that clients read, but at a cost no server
 * should cause: the keep-alive text that loses later messages, joined zstd frames that say their size (decoding grows
 * with the square of their number)
 */
export function decodeMapMessage(frame: Buffer): MapResponse {
  const { bytes, frames, sized } = unzstd(frame);
  if (frames > 1 && sized) throw new ClientFailure("trap", "joined zstd frames must not carry a content size");
  const text = bytes.toString();
  if (text === trappingKeepAlive) throw new ClientFailure("trap", "this keep-alive text loses later messages");
  try {
    return JSON.parse(text) as MapResponse;
  } catch (cause) {
    throw new ClientFailure("bad-json", "the message is not JSON", { cause });
  }
}
