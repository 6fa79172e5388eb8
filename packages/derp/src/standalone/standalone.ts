import { once } from "node:events";
import { readFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import type { AddressInfo, Server } from "node:net";
import type { DERPNode } from "@headscale/tailcfg";
import { openToAll } from "#admission/node-verifier.ts";
import { urlVerifier } from "#admission/url-verifier.ts";
import { BootstrapDns } from "#endpoint/bootstrap-dns.ts";
import { MeshKey } from "#login/mesh-key.ts";
import { MeshLink } from "#mesh/mesh-link.ts";
import type { RateLimit } from "#relay/limits.ts";
import { createRelay, type Relay, type RelayOptions } from "#relay/relay.ts";
import { createStunServer, type StunServer } from "#stun/stun-server.ts";
import { derpNode } from "./derp-node.ts";
import { pages, plainPages, serve } from "./http.ts";
import { metricsText } from "./metrics.ts";
import { type Listen, OptionError, type StandaloneOptions } from "./options.ts";
import { loadOrCreateKey } from "./state.ts";
import { type Identity, loadIdentity, TLS_OPTIONS } from "./tls.ts";

export interface Standalone extends AsyncDisposable {
  readonly relay: Relay;
  /** What to put into a DERP map. */
  readonly node: DERPNode;
  /** Reads certificate, key and rate config again; open connections stay. @throws what reading them throws, the old ones stay then. */
  reload(): void;
}

/** A relay with its own listeners, as derper is. @throws {OptionError} and what opening files and ports throws */
export async function startStandalone(
  options: StandaloneOptions,
  onEvent?: RelayOptions["onEvent"],
): Promise<Standalone> {
  await using started = new AsyncDisposableStack();
  const privateKey = loadOrCreateKey(options.stateDir);
  const meshKey = readMeshKey(options.meshKeyFile);
  const relay = createRelay({
    privateKey,
    verifier: options.verifyUrl ? urlVerifier(options.verifyUrl, { failOpen: options.verifyFailOpen }) : openToAll,
    limits: { ...rateLimitIn(options.rateConfigFile) },
    ...(meshKey && { meshKey }),
    ...(onEvent && { onEvent }),
  });
  const identity = loadIdentity(options, relay.publicKey);
  const bootstrap = started.use(
    new BootstrapDns({
      published: () => options.bootstrapNames,
      unpublished: () => options.unpublishedBootstrapNames,
    }),
  );
  bootstrap.start();
  const secure = secureServer(identity, relay, bootstrap);
  const tlsPort = await listen(started, secure, options.listen);
  started.use(relay); // closed before the listener, whose close waits for its sockets
  const stun = options.stunListen && started.use(await startStun(options.stunListen));
  if (options.httpListen) await listen(started, plainServer(options.hostname), options.httpListen);
  if (options.metricsListen) await listen(started, metricsServer(relay, stun), options.metricsListen);
  for (const name of meshKey ? options.meshWith : []) {
    const [host = "", dialHost] = name.split("/");
    const url = new URL(`https://${host}/derp`);
    started.use(new MeshLink({ relay, url, privateKey, meshKey: meshKey as MeshKey, ...(dialHost && { dialHost }) }));
  }
  const resources = started.move();
  return {
    relay,
    node: derpNode(options, { pin: identity.pin, tlsPort, stunPort: (stun || undefined)?.addresses[0]?.port }),
    reload() {
      const { cert, key } = loadIdentity(options, relay.publicKey);
      relay.setRateLimit(rateLimitIn(options.rateConfigFile).rateLimit);
      secure.setSecureContext({ ...TLS_OPTIONS, cert, key });
    },
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

function secureServer({ cert, key }: Identity, relay: Relay, bootstrap: BootstrapDns): https.Server {
  const routes = pages(bootstrap.respond);
  const server = https.createServer(
    {
      ...TLS_OPTIONS,
      cert,
      key,
      headersTimeout: 10_000,
      requestTimeout: 30_000,
      shouldUpgradeCallback: ({ url = "" }) => /^\/derp(\?|$)/.test(url),
    },
    (request, response) =>
      serve(request, response, (path, asked) => (Object.hasOwn(routes, path) ? routes[path]?.(asked) : undefined)),
  );
  server.on("upgrade", (request, socket, head) => relay.accept(request, socket, head));
  server.on("tlsClientError", (_, socket) => socket.destroy());
  return server;
}

function plainServer(hostname: string): http.Server {
  const answer = plainPages(hostname);
  return http.createServer({ headersTimeout: 10_000, requestTimeout: 30_000 }, (request, response) =>
    serve(request, response, answer),
  );
}

function metricsServer(relay: Relay, stun: StunServer | undefined): http.Server {
  return http.createServer((request, response) =>
    serve(request, response, (path) =>
      path === "/metrics"
        ? {
            status: 200,
            headers: { "Content-Type": "text/plain; version=0.0.4" },
            body: metricsText(relay.stats(), stun?.stats()),
          }
        : undefined,
    ),
  );
}

async function listen(
  started: AsyncDisposableStack,
  server: Server & { closeAllConnections(): void },
  { host, port }: Listen,
): Promise<number> {
  const listening = once(server, "listening");
  server.listen({ port, ...(host && { host }) });
  await listening;
  started.defer(async () => {
    const closed = once(server, "close");
    server.close();
    server.closeAllConnections();
    await closed;
  });
  return (server.address() as AddressInfo).port;
}

function startStun({ host, port }: Listen): Promise<StunServer> {
  return createStunServer({ port, ...(host && { address: host }) });
}

function readMeshKey(file: string | undefined): MeshKey | undefined {
  if (file === undefined) return undefined;
  const key = MeshKey.parse(readFileSync(file, "utf8"));
  if (key === undefined) throw new OptionError("--mesh-psk-file: not 64 hexadecimal digits");
  return key;
}

/** derper's file format (tailscale derpserver.go RateConfig@de9ec7ee); a rate of 0 means no limit. */
function rateLimitIn(file: string | undefined): { rateLimit?: RateLimit } {
  if (file === undefined) return {};
  const config = JSON.parse(readFileSync(file, "utf8")) as Record<string, unknown>;
  const number = (name: string): number => {
    const value = config[name] ?? 0;
    if (typeof value !== "number" || value < 0) throw new OptionError(`--rate-config: ${name} is no number`);
    return value;
  };
  const bytesPerSecond = number("PerClientRateLimitBytesPerSec");
  const burstBytes = number("PerClientRateBurstBytes");
  return bytesPerSecond > 0 ? { rateLimit: { bytesPerSecond, burstBytes } } : {};
}
