import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import type { Config } from "#config/config.ts";

/**
 * With port 0 and no written server_url, a free port is chosen before anything is built, for clients are told the URL. Whoever
 * takes that port in between makes listening fail with a clear sentence.
 */
export async function withChosenPort(config: Config): Promise<Config> {
  const { listen, server } = config;
  const open = listen.addresses.find(({ port }) => port === 0);
  if (!open || !server.urlIsDerived || new URL(server.url).port !== "0") return config;
  const port = await freePort(open.host);
  const addresses = listen.addresses.map((one) => (one.port === 0 ? { ...one, port } : one));
  const url = server.url.replace(/:0$/, `:${port}`);
  return { ...config, listen: { ...listen, addresses }, server: { ...server, url } };
}

async function freePort(host: string | undefined): Promise<number> {
  const probe = createServer().listen({ port: 0, host });
  try {
    await once(probe, "listening");
    return (probe.address() as AddressInfo).port;
  } finally {
    probe.close();
  }
}
