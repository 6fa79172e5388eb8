import { onTestFinished } from "vitest";
import { createEdge, type Edge, type EdgeOptions } from "../edge.ts";
import type { EdgeRequest, EdgeResponse } from "../http-message.ts";
import { requestOrigin } from "../request-origin.ts";

/** An edge on a free port of 127.0.0.1 for one test; answers with what it saw unless told otherwise. */
export async function openEdge(options: Partial<EdgeOptions> = {}): Promise<{ edge: Edge; port: number; url: string }> {
  const edge = createEdge({ request: answerWithWhatIsSeen, ...options });
  onTestFinished(() => edge.close(0));
  const { port = 0 } = await edge.listen({ kind: "tcp", host: "127.0.0.1", port: 0 });
  return { edge, port, url: `http://127.0.0.1:${port}` };
}

/** What `answerWithWhatIsSeen` answers with. */
export interface Seen {
  readonly version: string;
  readonly method: string;
  readonly url: string;
  readonly body: string;
  readonly headers: Record<string, string>;
  readonly rawHeaders: string[];
  readonly client: string | undefined;
  readonly secure: boolean;
  readonly transport: string;
}

export async function answerWithWhatIsSeen(request: EdgeRequest, response: EdgeResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const { httpVersion: version, method, url, headers, rawHeaders } = request;
  const body = Buffer.concat(chunks).toString();
  response.end(JSON.stringify({ version, method, url, headers, rawHeaders, body, ...requestOrigin(request) }));
}

/** The JSON behind the head of an HTTP/1.1 answer. */
export function seenIn(answer: string): Seen {
  return JSON.parse(answer.slice(answer.indexOf("{"), answer.lastIndexOf("}") + 1));
}
