import { readFileSync } from "node:fs";
import { type IncomingMessage, request } from "node:http";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { DerpClient } from "@headscale/derp/client";
import { PrivateKey } from "@headscale/tailcfg/keys";
import { expect, test } from "vitest";
import type { Client } from "../lab/client.ts";
import { embeddedRelay, relayOverTls } from "../lab/embedded-relay.ts";
import { Lab } from "../lab/lab.ts";
import { succeeded } from "../lab/process.ts";
import type { Server } from "../lab/server.ts";
import { until } from "../lab/until.ts";

test("deleted nodes of both releases lose the relay at once, cannot come back, and ask their users to log in", async () => {
  await using lab = await Lab.start();
  const server = await lab.server({ config: { ...embeddedRelay, metrics_listen_addr: "127.0.0.1:9090" } });
  const key = await server.admin.key(await server.admin.user("alice"), "--reusable");
  const [kept, ...deleted] = await Promise.all([
    lab.client("n1", "new", server, { env: relayOverTls }),
    lab.client("n2", "new", server, { env: relayOverTls }),
    lab.client("n3", "old", server, { env: relayOverTls }),
  ]);
  await Promise.all([kept, ...deleted].map((client) => client.join(key)));
  const relayed = (count: number, withinMs: number) =>
    until({
      what: `${count} clients of the relay`,
      withinMs,
      probe: async () => (await metric(server, "headscale_relay_clients")) === count,
      evidence: () => server.evidence(),
    });
  await relayed(3, 10_000);

  const keys = deleted.map(nodePrivateKey);
  const shell = deleted.map(({ name }) => `headscalectl nodes delete ${name} --force`).join(" && ");
  succeeded(await server.admin.shell(shell));
  await relayed(1, 5_000);
  for (const privateKey of keys)
    await expect(enterRelay(server, privateKey)).rejects.toMatchObject({ code: "disconnected" });
  expect(await metric(server, "headscale_relay_logins_refused_total")).toBeGreaterThanOrEqual(keys.length);
  for (const client of deleted) {
    const asks = ({ BackendState }: { BackendState: string }) => BackendState === "NeedsLogin";
    await client.until("to ask for a login", asks, 20_000);
  }
  expect(await metric(server, "headscale_relay_clients")).toBe(1);
  expect((await kept.status()).BackendState).toBe("Running");
});

async function metric(server: Server, name: string): Promise<number> {
  const { stdout } = succeeded(await server.host.run(["curl", "-sSf", "http://127.0.0.1:9090/metrics"]));
  return Number(new RegExp(`^${name} (\\S+)$`, "m").exec(stdout)?.[1]);
}

/** The key that a client keeps to itself, out of its state file: with it anybody is that node. */
function nodePrivateKey({ host }: Client): PrivateKey {
  const state: Record<string, string> = JSON.parse(
    readFileSync(join(host.directory, "ts", "tailscaled.state"), "utf8"),
  );
  const profiles = Object.entries(state).filter(([name]) => /^profile-/.test(name));
  const text = profiles.map(([, value]) => Buffer.from(value, "base64").toString()).join();
  const hex = /"PrivateNodeKey":\s*"privkey:([0-9a-f]{64})"/.exec(text)?.[1];
  if (hex === undefined) throw new Error(`${host.name} keeps no key: ${Object.keys(state)}`);
  return new PrivateKey(Buffer.from(hex, "hex"));
}

async function enterRelay(server: Server, privateKey: PrivateKey): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<{ socket: Duplex; head: Buffer }>();
  const headers = { host: "localhost", connection: "Upgrade", upgrade: "DERP" };
  request({ socketPath: server.admin.socket, path: "/derp", headers })
    .on("upgrade", (_: IncomingMessage, socket: Duplex, head: Buffer) => resolve({ socket, head }))
    .on("response", ({ statusCode }) => reject(new Error(`the relay answered ${statusCode}`)))
    .on("error", reject)
    .end();
  const { socket, head } = await promise;
  const client = new DerpClient(socket, { privateKey }, head);
  await client.ready;
  // Before the greeting or after it: who is refused is hung up on, and who is let in stays.
  throw (await client.ended) ?? Object.assign(new Error("hung up"), { code: "disconnected" });
}
