import type { CustomFetch } from "openid-client";

const bodiless = new Set([204, 205, 304]);

/** `fetch` that reads at most `maxBytes` (decompressed) and ends when `closing` does; the time limit is the caller's signal. */
export function boundedFetch(maxBytes: number, closing: AbortSignal): CustomFetch {
  return async (url, { body, signal, ...options }) => {
    const signals = [closing, ...(signal ? [signal] : [])];
    const response = await fetch(url, { ...options, body: body ?? null, signal: AbortSignal.any(signals) });
    const { status, statusText, headers } = response;
    const content = await whole(response, maxBytes);
    return new Response(bodiless.has(status) ? null : content, { status, statusText, headers });
  };
}

async function whole({ body }: Response, maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body ?? []) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw new Error(`the answer is longer than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
