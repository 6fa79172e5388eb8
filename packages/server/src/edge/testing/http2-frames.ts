/** HTTP/2 frames (RFC 9113 §4, §6) by hand, for clients that no library would be. */

export const preface: Buffer = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

export const frameType = {
  data: 0,
  headers: 1,
  priority: 2,
  rstStream: 3,
  settings: 4,
  ping: 6,
  goAway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;
export const flag = { endStream: 1, endHeaders: 4 } as const;

export function frame(type: number, flags: number, stream: number, payload: Uint8Array = new Uint8Array()): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** Preface and empty SETTINGS: how a session starts. */
export const opening: Buffer = Buffer.concat([preface, frame(frameType.settings, 0, 0)]);

/** `GET path` or `POST path` in HPACK (RFC 7541): static table entries, then literals never indexed. */
export function headerBlock(method: "GET" | "POST", fields: Readonly<Record<string, string>> = {}, path = "/"): Buffer {
  const start = Buffer.from([method === "GET" ? 0x82 : 0x83, 0x86, path === "/" ? 0x84 : 0x14]);
  const pseudo = path === "/" ? start : Buffer.concat([start, text(path)]);
  const all = Object.entries({ ":authority": "edge.test", ...fields });
  return Buffer.concat([pseudo, ...all.flatMap(([name, value]) => [Uint8Array.of(0x10), text(name), text(value)])]);
}

export function getRequest(stream: number): Buffer {
  return frame(frameType.headers, flag.endHeaders | flag.endStream, stream, headerBlock("GET"));
}

export function reset(stream: number): Buffer {
  return frame(frameType.rstStream, 0, stream, Uint8Array.of(0, 0, 0, 8)); // CANCEL
}

/** An HPACK string without Huffman coding. */
function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  if (bytes.length < 127) return Buffer.concat([Uint8Array.of(bytes.length), bytes]);
  const rest: number[] = [127];
  let left = bytes.length - 127;
  for (; left >= 128; left >>= 7) rest.push((left & 127) | 128);
  return Buffer.concat([Uint8Array.from([...rest, left]), bytes]);
}
