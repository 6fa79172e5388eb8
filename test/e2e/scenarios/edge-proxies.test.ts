import { copyFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { setUdp, wire } from "../lab/cabling.ts";
import { makeCertificate } from "../lab/certificates.ts";
import { embeddedRelay } from "../lab/embedded-relay.ts";
import { type Host, tail } from "../lab/host.ts";
import { Lab } from "../lab/lab.ts";
import { succeeded } from "../lab/process.ts";
import { Server } from "../lab/server.ts";
import { until } from "../lab/until.ts";
import { configureProxy, type ProxyName, proxies } from "../proxies/proxy.ts";
import { programPath } from "../requirements.ts";

const serverNumber = 1;
const name = "control.test";
const [ourPort, theirPort] = [8080, 443];
const headscalectl = join(import.meta.dirname, "../../../packages/headscalectl/bin/headscalectl.js");

describe.for(proxies)("behind %s from Debian", (proxy) => {
  test("clients of both releases join and relay, administrators call, watch and speak gRPC from afar", async () => {
    await using lab = await Lab.start();
    const server = await startBehind(proxy, lab);
    const key = await server.admin.key(await server.admin.user("alice"), "--reusable");
    const [n1, n2] = await Promise.all([lab.client("n1", "new", server), lab.client("n2", "old", server)]);
    await setUdp(n2.host, "blocked");
    await Promise.all([n1.join(key), n2.join(key)]);
    await Promise.all([n1.peer("n2"), n2.peer("n1")]);
    expect(await n1.ping(await n2.address(), { via: "relay" })).toContain("via DERP(own)");
    // Who they are behind the proxy, by the addresses of their hosts.
    for (const client of [n1, n2]) {
      const address = (await client.host.shell("ip -4 -o addr show eth0")).match(/10\.77\.0\.\d+/)?.[0];
      expect(server.log).toMatch(new RegExp(`registration answered.*${address}`));
    }
    expect(server.log).not.toMatch(/registration answered.*127\.0\.0\.1/);
    expect(await server.page("/windows")).toContain(`https://${name}`);

    const apiKey = await server.admin.headscalectl<string | { key: string }>("apikeys", "create");
    const afar = administrator(n1.host, server, typeof apiKey === "string" ? apiKey : apiKey.key);
    const watching = await n1.host.daemon(afar.command("-o", "json", "watch", "--after", "0"), "watch", afar.env);
    const seen = (what: string) =>
      until({
        what: `${what} in the watch`,
        withinMs: 20_000,
        probe: () => tail(watching.log, 1_000).includes(what),
        evidence: () => tail(watching.log),
      });
    await seen("node-registered");
    await afar.call("users", "create", "bob");
    await seen("bob");
    expect(await afar.call("--grpc", "users", "list")).toContain("bob");
    expect(watching.alive()).toBe(true);

    const { code } = await n1.host.run(afar.command("users", "list"), {
      env: { ...afar.env, HEADSCALE_CLI_API_KEY: "hskey-api-wrong" },
    });
    expect(code).not.toBe(0);
    expect(server.log).toMatch(/credential refused.*10\.77\.0\.\d+/);
  });
});

/** A server of plain HTTP on loopback, and before it on the same host the proxy, with a certificate. */
async function startBehind(proxy: ProxyName, lab: Lab): Promise<Server> {
  const address = wire.v4(serverNumber);
  const host = await lab.host("ctl", serverNumber);
  const folder = join(host.directory, `${proxy}.d`);
  mkdirSync(folder);
  const certificate = await makeCertificate(join(lab.directory, "tls"), name, address);
  copyFileSync(certificate.certificate, join(folder, "cert.pem"));
  copyFileSync(certificate.key, join(folder, "key.pem"));
  const place = { folder, name, address, listen: theirPort, upstream: ourPort };
  const { command, env } = await configureProxy(proxy, place);
  await host.daemon(command, proxy, env);
  return new Server(host, {
    address,
    https: { name, certificate: { authority: certificate.authority } },
    config: { ...embeddedRelay, listen_addr: `127.0.0.1:${ourPort}`, trusted_proxies: ["127.0.0.1/32"] },
  }).start();
}

/** Somebody with an API key on another host. */
function administrator(host: Host, server: Server, apiKey: string) {
  const env = {
    PATH: programPath,
    HOME: host.directory,
    HEADSCALE_CLI_ADDRESS: server.url,
    HEADSCALE_CLI_API_KEY: apiKey,
    HEADSCALE_CLI_TIMEOUT: "20s",
    NODE_EXTRA_CA_CERTS: server.clientEnv.SSL_CERT_FILE,
  };
  const command = (...args: string[]) => [process.execPath, headscalectl, ...args] as const;
  return {
    env,
    command,
    call: async (...args: string[]) => succeeded(await host.run(command(...args), { env })).stdout,
  };
}
