import { KeyFormatError, NodeKey } from "@headscale/tailcfg/keys";
import { Hono } from "hono";
import { type BodyLimits, readBody } from "./read-body.ts";

/** Whether a node may use a relay. `source` is the address that the relay saw, as text, and may be anything. */
export type NodeVerifier = (nodeKey: NodeKey, source: string) => boolean | Promise<boolean>;

/** `POST /verify`: a relay elsewhere asks whom it may let in. Source: tailscale cmd/derper (`--verify-client-url`)@de9ec7ee. */
export function createVerifyRoute(verifier: NodeVerifier, limits: BodyLimits): Hono {
  const app = new Hono();
  app.post("/verify", async (context) => {
    const body = await readBody(context.req.raw, limits);
    if (body === "too-large") return context.text(`The request is larger than ${limits.maxBytes} bytes.\n`, 413);
    if (body === "too-slow") return context.text("The request did not arrive in time.\n", 408);
    const question = parseQuestion(body.text);
    if (!question) return context.text('The request must be {"NodePublic": "nodekey:…", "Source": "address"}.\n', 400);
    return context.json({ Allow: await verifier(question.nodeKey, question.source) });
  });
  app.all("/verify", (context) => context.text("Ask with POST.\n", 405, { Allow: "POST" }));
  return app;
}

function parseQuestion(text: string): { readonly nodeKey: NodeKey; readonly source: string } | undefined {
  try {
    const { NodePublic, Source } = JSON.parse(text) ?? {};
    if (typeof NodePublic !== "string") return undefined;
    return { nodeKey: NodeKey.parse(NodePublic), source: typeof Source === "string" ? Source : "" };
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof KeyFormatError) return undefined;
    throw error;
  }
}
