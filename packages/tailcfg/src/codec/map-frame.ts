/** Text of a keep-alive. The blank before the brace keeps clients ≥1.90 from taking later frames of equal length for it. */
export const keepAliveText = '{"KeepAlive":true }';

/** Puts the little-endian u32 length before the (already compressed) pieces of one map message; pieces are not copied. */
export function frameMapMessage(pieces: readonly Uint8Array[]): readonly Uint8Array[] {
  const header = new Uint8Array(4);
  new DataView(header.buffer).setUint32(
    0,
    pieces.reduce((total, piece) => total + piece.length, 0),
    true,
  );
  return [header, ...pieces];
}
