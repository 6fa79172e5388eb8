import {
  createRelay,
  createStunServer,
  type NodeVerifier,
  type Relay,
  type RelayLimits,
  type StunServer,
} from "@headscale/derp";
import { metaCertificate } from "@headscale/derp/certificate";
import type { NodeKey } from "@headscale/tailcfg/keys";
import { formatEndpoint } from "#config/kind/endpoint.ts";
import type { EmbeddedRelayConfig } from "#config/section/derp.ts";
import { readOrMakeKey } from "./key-file.ts";

export interface EmbeddedRelay extends AsyncDisposable {
  readonly relay: Relay;
  /** To be appended to the served chain: clients that see it start faster. */
  readonly metaCertificate: string;
  /** Where STUN is answered; `undefined`: nowhere. */
  readonly stunPort: number | undefined;
}

/** The relay and its STUN servers; without STUN clients measure by HTTPS. */
export async function startRelay(
  config: EmbeddedRelayConfig,
  limits: Partial<RelayLimits>,
  verifier: NodeVerifier,
  on: {
    listening(address: string): void;
    failed(address: string, error: unknown): void;
    refused(node: NodeKey | undefined, source: string): void;
  },
): Promise<EmbeddedRelay> {
  const privateKey = await readOrMakeKey(config.privateKeyPath);
  const relay = createRelay({
    privateKey,
    verifier,
    limits,
    onEvent: ({ key, sourceAddress, error }) => error?.code === "not-allowed" && on.refused(key, sourceAddress),
  });
  const stun: StunServer[] = [];
  for (const wanted of config.stunListen) {
    const { host, port } = wanted;
    try {
      const server = await createStunServer({ ...(host !== undefined && { address: host }), port });
      stun.push(server);
      for (const { address, port } of server.addresses) on.listening(formatEndpoint({ host: address, port }));
    } catch (error) {
      on.failed(formatEndpoint(wanted), error);
    }
  }
  return {
    relay,
    metaCertificate: metaCertificate(relay.publicKey, new Date()),
    stunPort: stun[0]?.addresses[0]?.port,
    async [Symbol.asyncDispose]() {
      await Promise.all([relay.close(), ...stun.map((server) => server.close())]);
    },
  };
}
