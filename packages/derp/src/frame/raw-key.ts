import { NodeKey } from "@headscale/tailcfg/keys";
import { KEY_BYTES } from "#protocol.ts";

declare const brand: unique symbol;

/** The 32 bytes of a node key, one byte a character: the cheapest map key to make from a frame. */
export type RawKey = string & { readonly [brand]: "RawKey" };

export function rawKeyAt(bytes: Buffer, start: number): RawKey {
  return bytes.toString("latin1", start, start + KEY_BYTES) as RawKey;
}

/** Whether the 32 bytes from `start` on are `key`. Public keys: no need for constant time. */
export function isKeyAt(key: Buffer, bytes: Buffer, start: number): boolean {
  for (let i = 0; i < KEY_BYTES; i++) if (key[i] !== bytes[start + i]) return false;
  return true;
}

export function rawKeyBytes(key: RawKey): Buffer {
  return Buffer.from(key, "latin1");
}

export function nodeKeyOf(key: RawKey): NodeKey {
  return NodeKey.fromBytes(rawKeyBytes(key));
}

export function rawKeyOf(key: NodeKey): RawKey {
  return Buffer.from(key.slice(key.indexOf(":") + 1), "hex").toString("latin1") as RawKey;
}
