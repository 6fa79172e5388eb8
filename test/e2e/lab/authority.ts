import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buildPebble } from "../pebble/pebble.ts";
import { wire } from "./cabling.ts";
import { makeCertificate } from "./certificates.ts";
import type { Host } from "./host.ts";
import { succeeded } from "./process.ts";
import { until } from "./until.ts";

const [apiPort, managementPort, dnsPort] = [14000, 15000, 8053];
const bin = join(import.meta.dirname, "../pebble/bin");

/** A certificate authority that speaks ACME, on a host of the lab. */
export interface Authority {
  readonly directory: string;
  /** PEM file of the authority that vouches for its API. */
  readonly api: string;
  /** PEM file of the root of all it issues. */
  readonly root: string;
}

/** Starts Pebble, for which every name is the address `subject`, asked on ports 80 and 443. */
export async function startAuthority(host: Host, number: number, subject: string): Promise<Authority> {
  await buildPebble();
  const address = wire.v4(number);
  const folder = join(host.directory, "pebble");
  mkdirSync(folder);
  const { authority, certificate, key } = await makeCertificate(folder, "pebble.test", address);
  const profile = { description: "", validityPeriod: 7_776_000 };
  const configuration = {
    pebble: {
      listenAddress: `${address}:${apiPort}`,
      managementListenAddress: `${address}:${managementPort}`,
      certificate,
      privateKey: key,
      httpPort: 80,
      tlsPort: 443,
      retryAfter: { authz: 1, order: 1 },
      keyAlgorithm: "ecdsa",
      profiles: { default: profile, shortlived: profile },
    },
  };
  const config = join(folder, "config.json");
  writeFileSync(config, JSON.stringify(configuration));
  const dns = `127.0.0.1:${dnsPort}`;
  const off = ["http01", "https01", "tlsalpn01", "doh"].flatMap((service) => [`-${service}`, ""]);
  const resolver = ["-dnsserver", dns, "-management", "127.0.0.1:8055", "-defaultIPv4", subject, "-defaultIPv6", ""];
  await host.daemon([join(bin, "pebble-challtestsrv"), ...off, ...resolver], "dns", {});
  const pebble = [join(bin, "pebble"), "-strict", "-config", config, "-dnsserver", dns] as const;
  await host.daemon(pebble, "log", { PEBBLE_VA_NOSLEEP: "1", PEBBLE_WFE_NONCEREJECT: "20" });
  const root = await until({
    what: "the authority's root",
    withinMs: 15_000,
    probe: async () => {
      const url = `https://${address}:${managementPort}/roots/0`;
      return succeeded(await host.run(["curl", "-sSf", "--cacert", authority, url])).stdout;
    },
  });
  const rootFile = join(folder, "root.pem");
  writeFileSync(rootFile, root);
  return { directory: `https://${address}:${apiPort}/dir`, api: authority, root: rootFile };
}
