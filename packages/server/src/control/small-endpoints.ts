import { GoObject, parseJson } from "@headscale/tailcfg/codec";
import type { Node } from "@headscale/tailnet";
import type { Context, Hono } from "hono";
import type { Live } from "#live/live.ts";
import { readBody, readBodyBytes } from "./body.ts";
import type { MachineEnv } from "./machine-server.ts";
import { ownNode } from "./map.ts";
import type { Pings } from "./pings.ts";

export interface SmallEndpointsOptions {
  readonly live: Live;
  readonly pings: Pings;
  onAudit(node: Node, action: string, details: string): void;
}

/** Sentences for features that need what a self-hosted server has not; clients print them. */
const featureTexts: Readonly<Record<string, string>> = {
  serve:
    "HTTPS certificates for nodes need a public DNS zone, which this server does not manage. Use tailscale serve --http or --tcp instead.",
  funnel: "Funnel needs public relays that only the hosted service runs. This server does not offer it.",
};

/** What clients call besides register and map. What is not offered answers 501, which they log and go on from. */
export function mountSmallEndpoints(app: Hono<MachineEnv>, { live, pings, onAudit }: SmallEndpointsOptions): void {
  const body = async (context: Context<MachineEnv>) =>
    new GoObject(parseJson(await readBody(context.env.incoming, context.get("bodyLimits"))));
  const nodeOf = (context: Context<MachineEnv>, request: GoObject) =>
    ownNode(live, request.nodeKey("NodeKey"), context.get("connection").machineKey);

  app.post("/machine/feature/query", async (context) => {
    const request = await body(context);
    if (!nodeOf(context, request)) return context.text("node not found", 404);
    const feature = request.string("Feature") ?? "";
    const known = Object.hasOwn(featureTexts, feature) ? featureTexts[feature] : undefined;
    const text = known ?? "This server does not offer this feature.";
    return context.json({ Complete: false, Text: text, ShouldWait: false });
  });

  app.post("/machine/audit-log", async (context) => {
    const request = await body(context);
    const node = nodeOf(context, request);
    if (!node) return context.text("node not found", 404);
    onAudit(node, request.string("Action") ?? "", request.string("Details") ?? "");
    return context.json({});
  });

  app.post("/machine/update-health", async (context) => {
    await readBody(context.env.incoming, context.get("bodyLimits"));
    return context.json({});
  });

  app.get("/machine/whoami", (context) => context.json({ machineKey: context.get("connection").machineKey }));

  app.post("/machine/c2n/:token", async (context) => {
    // Bytes: a profile or a core dump is no text.
    const reply = await readBodyBytes(context.env.incoming, context.get("bodyLimits"));
    const known = pings.answer(context.req.param("token"), context.get("connection").machineKey, reply);
    return known ? context.body(null, 200) : context.text("nobody waits for this answer", 404);
  });

  app.get("/machine/ping-response", (context) => {
    const known = pings.answer(context.req.query("id") ?? "", context.get("connection").machineKey, Buffer.alloc(0));
    return known ? context.body(null, 200) : context.text("nobody waits for this answer", 404);
  });
}
