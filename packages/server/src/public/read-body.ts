export interface BodyLimits {
  readonly maxBytes: number;
  readonly timeoutMs: number;
}

/**
 * The whole body as text, or why not: `too-large` without reading on, `too-slow` when it dribbles.
 * HTTP/2 bodies have no time limit of their own in Node.
 */
export async function readBody(
  request: Request,
  limits: BodyLimits,
): Promise<{ readonly text: string } | "too-large" | "too-slow"> {
  if (Number(request.headers.get("content-length")) > limits.maxBytes) return "too-large";
  const reader = request.body?.getReader();
  if (!reader) return { text: "" };
  const late = Promise.withResolvers<"too-slow">();
  const timer = setTimeout(() => late.resolve("too-slow"), limits.timeoutMs);
  try {
    return await Promise.race([drain(reader, limits.maxBytes), late.promise]);
  } finally {
    clearTimeout(timer);
    reader.cancel().catch(() => {});
  }
}

async function drain(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  maxBytes: number,
): Promise<{ readonly text: string } | "too-large"> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return { text: Buffer.concat(chunks).toString("utf8") };
    size += value.length;
    if (size > maxBytes) return "too-large";
    chunks.push(value);
  }
}
