import { describe, expect, test } from "vitest";
import { clientBin } from "../clients/build.ts";
import { setUdp } from "../lab/cabling.ts";
import type { Client } from "../lab/client.ts";
import { embeddedRelay, relayOverTls } from "../lab/embedded-relay.ts";
import { Lab } from "../lab/lab.ts";
import { succeeded } from "../lab/process.ts";
import { programPath } from "../requirements.ts";

const doors = [
  { door: "HTTPS with a certificate that clients trust", https: true, scheme: "https://control.test" },
  { door: "plain HTTP, the relay's certificate pinned", https: false, scheme: "http://10.77.0.1:8080" },
];

describe.for(doors)("with $door", ({ https, scheme }) => {
  test("both releases measure the server's relay over both families, fall back on it and leave it again", async () => {
    await using lab = await Lab.start();
    const listen_addr = https ? ["0.0.0.0:443", "[::]:443"] : ["0.0.0.0:8080", "[::]:8080"];
    const server = await lab.server({ https, config: { ...embeddedRelay, listen_addr } });
    expect(server.url).toBe(scheme);
    const key = await server.admin.key(await server.admin.user("alice"), "--reusable");
    const [n1, n2] = await Promise.all([
      lab.client("n1", "new", server, { env: relayOverTls }),
      lab.client("n2", "old", server, { env: relayOverTls }),
    ]);
    await Promise.all([n1.join(key), n2.join(key)]);
    await Promise.all([n1.peer("n2"), n2.peer("n1"), lab.mirror(n2.host, 80)]);

    for (const client of [n1, n2]) {
      const report = await netcheck(client, server.clientEnv);
      expect(report).toMatchObject({ UDP: true, IPv4: true, IPv6: true, PreferredDERP: 999 });
      expect(report.GlobalV4).toMatch(/^10\.77\.0\.\d+:\d+$/);
      expect(report.GlobalV6).toMatch(/^\[fd77::\w+\]:\d+$/);
      expect(report.RegionLatency["999"]).toBeGreaterThan(0);
      await client.until("no warning", ({ Health }) => (Health ?? []).length === 0);
    }

    expect(await n1.ping(await n2.address(), { via: "direct" })).toMatch(/via (10\.77\.0\.|\[fd77:)/);
    await setUdp(n2.host, "blocked");
    await fetchFrom(n1, n2);
    expect(await n1.ping(await n2.address(), { via: "relay" })).toContain("via DERP(own)");
    expect(await n2.ping(await n1.address(), { via: "relay" })).toContain("via DERP(own)");
    await setUdp(n2.host, "allowed");
    expect(await n1.ping(await n2.address(), { via: "direct" })).toMatch(/via (10\.77\.0\.|\[fd77:)/);
  });
});

/** TCP from one client to the other: the answer is the caller's address. */
async function fetchFrom(from: Client, to: Client): Promise<void> {
  const curl = ["curl", "-sS", "--max-time", "30", `http://${await to.address()}/`] as const;
  expect(succeeded(await from.host.run(curl)).stdout.trim()).toBe(await from.address());
}

interface Netcheck {
  readonly UDP: boolean;
  readonly IPv4: boolean;
  readonly IPv6: boolean;
  readonly GlobalV4: string;
  readonly GlobalV6: string;
  readonly PreferredDERP: number;
  readonly RegionLatency: Readonly<Record<string, number>>;
}

/** What `tailscale netcheck` says; it dials for itself, so it has to run on the client's host. */
async function netcheck(client: Client, env: Readonly<Record<string, string>>): Promise<Netcheck> {
  const program = `${clientBin(client.options.version)}/tailscale`;
  const command = [program, `--socket=${client.socket}`, "netcheck", "--format=json"] as const;
  const { stdout } = succeeded(await client.host.run(command, { env: { PATH: programPath, ...env, ...relayOverTls } }));
  return JSON.parse(stdout);
}
