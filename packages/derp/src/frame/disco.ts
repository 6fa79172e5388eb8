import { DISCO_MAGIC, MIN_DISCO_BYTES } from "#protocol.ts";

const head = DISCO_MAGIC.readUInt32BE(0);
const tail = DISCO_MAGIC.readUInt16BE(4);

/** Whether `bytes[start, end)` looks like a path-discovery packet. Source: tailscale disco/disco.go LooksLikeDiscoWrapper@de9ec7ee. */
export function looksLikeDisco(bytes: Buffer, start: number, end: number): boolean {
  return end - start >= MIN_DISCO_BYTES && bytes.readUInt32BE(start) === head && bytes.readUInt16BE(start + 4) === tail;
}
