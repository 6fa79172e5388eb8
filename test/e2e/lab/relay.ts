import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "yaml";
import { clientBin } from "../clients/build.ts";
import { wire } from "./cabling.ts";
import type { Host } from "./host.ts";
import { until } from "./until.ts";

const derpPort = 3340;
const regionId = 900;

/** Upstream's own relay over plain HTTP (the lab's clients ask for that), with STUN. */
export interface Relay {
  /** A file for `derp.paths`. */
  readonly mapFile: string;
}

export async function startRelay(host: Host, number: number): Promise<Relay> {
  const address = wire.v4(number);
  const derper = join(clientBin("new"), "derper");
  const listen = ["-a", `:${derpPort}`, "-http-port", "-1", "-hostname", address, "-c", join(host.directory, "key")];
  const daemon = await host.daemon([derper, ...listen], "log", process.env);
  await until({
    what: "the relay to answer",
    withinMs: 10_000,
    probe: async () => daemon.alive() && (await host.run(["curl", "-sf", `http://127.0.0.1:${derpPort}/`])).code === 0,
  });
  const node = { name: "900a", regionid: regionId, hostname: address, ipv4: address, ipv6: "none", derpport: derpPort };
  const region = { regionid: regionId, regioncode: "lab", regionname: "Lab", nodes: [node] };
  const mapFile = join(host.directory, "derp.yaml");
  writeFileSync(mapFile, stringify({ regions: { [regionId]: region } }));
  return { mapFile };
}
