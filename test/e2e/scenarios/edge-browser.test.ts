import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { readFileSync, renameSync } from "node:fs";
import { connect as connectSocket } from "node:net";
import { join } from "node:path";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { DerpClient, type DerpMessage } from "@headscale/derp/client";
import { publicMachineKey } from "@headscale/noise";
import { NodeKey, PrivateKey, publicKeyBytes } from "@headscale/tailcfg/keys";
import { expect, test } from "vitest";
import { createWebSocketStream, WebSocket } from "ws";
import { ControlServer } from "../../support/control/control-server.ts";
import { ControlClient } from "../../support/control-client.ts";
import { bridgeTo } from "../lab/bridge.ts";
import { makeCertificate } from "../lab/certificates.ts";
import { embeddedRelay } from "../lab/embedded-relay.ts";
import { Lab } from "../lab/lab.ts";
import { until } from "../lab/until.ts";

const host = "control.test";

test("a client in a browser joins and relays by WebSocket, and stays while the certificate is exchanged", async () => {
  await using lab = await Lab.start();
  const server = await lab.server({ https: true, config: embeddedRelay });
  const key = await server.admin.key(await server.admin.user("alice"), "--reusable");
  const bridge = await bridgeTo(server.host, 443);
  const tls = join(lab.directory, "tls");
  const authorities = [readFileSync(join(tls, "ca.pem"), "utf8")];
  const dial = () =>
    connectTls({ socket: connectSocket(bridge), servername: host, ca: authorities, ALPNProtocols: ["http/1.1"] });
  const serial = async () => {
    const socket: TLSSocket = dial();
    try {
      await once(socket, "secureConnect");
      return socket.getPeerCertificate().serialNumber;
    } finally {
      socket.destroy();
    }
  };

  const nodeSecret = new PrivateKey(randomBytes(32));
  const nodeKey = NodeKey.fromBytes(publicKeyBytes(publicMachineKey(nodeSecret)));
  const control = new ControlServer({ createConnection: dial });
  await using browser = new ControlClient({ server: control, nodeKey, websocket: true, hostinfo: { Hostname: "web" } });
  expect(await browser.register({ authKey: key })).toMatchObject({ MachineAuthorized: true });
  const seen: string[] = [];
  await using map = await browser.follow({ onMessage: ({ Node }) => void seen.push(Node?.Name ?? "") });
  await map.until(({ self }) => self !== undefined, "the first map came");

  const messages: DerpMessage[] = [];
  const socket = new WebSocket(`ws://${host}/derp`, "derp", { createConnection: dial, origin: "https://app.test" });
  const stream = createWebSocketStream(socket);
  const relayed = new DerpClient(stream, { privateKey: nodeSecret, onMessage: (message) => messages.push(message) });
  await relayed.ready;
  relayed.ping(Buffer.alloc(8, 7));
  await until({ what: "a pong", withinMs: 5_000, probe: () => messages.some(({ kind }) => kind === "pong") });

  const before = await serial();
  for (const how of ["by itself", "on SIGHUP"]) {
    const next = await makeCertificate(join(lab.directory, "next"), host, "10.77.0.1");
    authorities.push(readFileSync(next.authority, "utf8"));
    renameSync(next.key, join(tls, "leaf.key"));
    renameSync(next.certificate, join(tls, "leaf.pem"));
    const shown = await serial();
    if (how === "on SIGHUP") server.reload();
    await until({
      what: `another certificate ${how}`,
      withinMs: 20_000,
      probe: async () => (await serial()) !== shown,
      evidence: () => server.evidence(),
    });
  }
  expect(await serial()).not.toBe(before);

  messages.length = 0;
  relayed.ping(Buffer.alloc(8, 8));
  await until({ what: "a pong", withinMs: 5_000, probe: () => messages.some(({ kind }) => kind === "pong") });
  expect((await server.admin.shell("headscalectl nodes rename web renamed")).code).toBe(0);
  await until({
    what: "the new name in the old stream",
    withinMs: 5_000,
    probe: () => seen.some((name) => name.startsWith("renamed.")),
  });
});
