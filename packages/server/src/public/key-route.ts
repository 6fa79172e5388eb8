import { MachineKey } from "@headscale/tailcfg/keys";
import { Hono } from "hono";

/** First capability version that speaks Noise. Source: tailscale tailcfg/tailcfg.go@de9ec7ee. */
const noiseCapabilityVersion = 39;

/** `GET /key?v=N`: the key that clients pin for the Noise handshake. Browser clients fetch it too, hence the open CORS. */
export function createKeyRoute(publicKey: MachineKey): Hono {
  const app = new Hono();
  app.get("/key", (context) => {
    context.header("Access-Control-Allow-Origin", "*");
    const written = context.req.query("v");
    if (!written) return context.text("capability version must be set\n", 400);
    if (!/^[+-]?\d{1,15}$/.test(written)) return context.text("invalid capability version\n", 400);
    if (Number(written) < noiseCapabilityVersion) return context.body(null, 200);
    return context.json({ legacyPublicKey: MachineKey.zero, publicKey });
  });
  return app;
}
