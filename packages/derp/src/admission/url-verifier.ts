import type { NodeVerifier } from "./node-verifier.ts";

const MAX_ANSWER_BYTES = 4_096;

/**
 * Asks an admission controller over HTTP, as derper's `--verify-client-url` does (tailscale derpserver.go verifyClient@de9ec7ee):
 * `POST {"NodePublic","Source"}` → 200 `{"Allow"}`. With `failOpen`, no answer at all lets the client in; any answer but 200 with
 * `Allow: true` keeps it out all the same.
 */
export function urlVerifier(
  url: string,
  { failOpen = true, timeoutMs = 5_000 }: { failOpen?: boolean; timeoutMs?: number } = {},
): NodeVerifier {
  return {
    async allow(nodeKey, sourceAddress) {
      const body = Buffer.from(JSON.stringify({ NodePublic: nodeKey, Source: sourceAddress }));
      let response: Response;
      try {
        // A body of bytes, not of text: derper sends no Content-Type.
        response = await fetch(url, { method: "POST", body, signal: AbortSignal.timeout(timeoutMs) });
      } catch {
        return failOpen;
      }
      return response.status === 200 && (await allowIn(response));
    },
  };
}

async function allowIn(response: Response): Promise<boolean> {
  let text = "";
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > MAX_ANSWER_BYTES) return false;
  }
  try {
    return (JSON.parse(text) as { Allow?: unknown } | null)?.Allow === true;
  } catch {
    return false;
  }
}
