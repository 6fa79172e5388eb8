import { createHash, X509Certificate } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { isIP } from "node:net";
import { join } from "node:path";
import {
  createRelay,
  createStunServer,
  type NodeVerifier,
  type Relay,
  type RelayLimits,
  type StunServer,
} from "@headscale/derp";
import { certificatePin, metaCertificate, selfSignedCertificate } from "@headscale/derp/certificate";
import type { DERPRegion } from "@headscale/tailcfg";
import type { NodeKey } from "@headscale/tailcfg/keys";
import type { Config } from "#config/config.ts";
import type { EmbeddedRelayConfig } from "#config/section/derp.ts";
import { readOrMakeKey } from "./key-file.ts";

/** A certificate of our own making, kept so that its pin stays the same. */
export interface PinnedCertificate {
  readonly key: string;
  readonly cert: string;
  /** `sha256-raw:` + 64 hex digits */
  readonly pin: string;
}

/** Reads or makes the self-signed certificate for `host`; another host gets another one. */
export async function pinnedCertificate(folder: string, host: string): Promise<PinnedCertificate> {
  const file = join(folder, `relay-${createHash("sha256").update(host).digest("hex").slice(0, 12)}.pem`);
  const stored = await readFile(file, "utf8").catch(() => "");
  const split = stored.indexOf("-----BEGIN CERTIFICATE-----");
  if (split > 0 && Date.parse(new X509Certificate(stored.slice(split)).validTo) > Date.now()) {
    const cert = stored.slice(split);
    return { key: stored.slice(0, split), cert, pin: certificatePin(cert) };
  }
  const { key, cert } = selfSignedCertificate({ names: [host], now: new Date() });
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeFile(file, `${key.trimEnd()}\n${cert}`, { mode: 0o600 });
  return { key, cert, pin: certificatePin(cert) };
}

export interface EmbeddedRelay extends AsyncDisposable {
  readonly relay: Relay;
  /** To be appended to the served chain: clients that see it start faster. */
  readonly metaCertificate: string;
}

/** The relay and its STUN servers. @throws when a STUN port cannot be bound. */
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
  for (const { host, port } of config.stunListen) {
    try {
      stun.push(await createStunServer({ ...(host !== undefined && { address: host }), port }));
      on.listening(`${host ?? "*"}:${port}`);
    } catch (error) {
      on.failed(`${host ?? "*"}:${port}`, error);
    }
  }
  return {
    relay,
    metaCertificate: metaCertificate(relay.publicKey, new Date()),
    async [Symbol.asyncDispose]() {
      await Promise.all([relay.close(), ...stun.map((server) => server.close())]);
    },
  };
}

/** The region of the embedded relay as clients get it: by name with a public certificate, else pinned. */
export function embeddedRegion(
  config: Config,
  relay: EmbeddedRelayConfig,
  pin: string | undefined,
  port: number,
): DERPRegion {
  const { host } = config.server;
  const addressOf = (family: 4 | 6) => (isIP(host) === family ? host : undefined);
  const [ipv4, ipv6] = [relay.ipv4 ?? addressOf(4), relay.ipv6 ?? addressOf(6)];
  return {
    RegionID: relay.regionId,
    RegionCode: relay.regionCode,
    RegionName: relay.regionName,
    Nodes: [
      {
        Name: String(relay.regionId),
        RegionID: relay.regionId,
        HostName: host,
        ...(pin !== undefined && { CertName: pin }),
        ...(ipv4 !== undefined && { IPv4: ipv4 }),
        ...(ipv6 !== undefined ? { IPv6: ipv6 } : ipv4 !== undefined && isIP(host) === 4 && { IPv6: "none" }),
        ...(port !== 443 && { DERPPort: port }),
        STUNPort: relay.stunListen[0]?.port ?? -1,
      },
    ],
  };
}
