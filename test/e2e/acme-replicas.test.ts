import { once } from "node:events";
import { connect } from "node:tls";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { TestDaemon } from "../support/daemon.ts";
import { type PostgresServer, startPostgres } from "../support/postgres.ts";
import { until } from "./lab/until.ts";
import { buildPebble, freePort, type Pebble, startPebble } from "./pebble/pebble.ts";

const name = "hs.test.example";
let postgres: PostgresServer;

beforeAll(async () => {
  await buildPebble();
  postgres = await startPostgres();
}, 600_000);
afterAll(() => postgres[Symbol.asyncDispose]());

/** A daemon on the shared database; `httpPort` is where it answers challenges. */
async function openDaemon(pebble: Pebble, httpPort: number): Promise<TestDaemon> {
  const daemon = await TestDaemon.start({
    database: postgres,
    config: {
      server_url: `https://${name}`,
      tls_letsencrypt_hostname: name,
      tls_letsencrypt_listen: `127.0.0.1:${httpPort}`,
      acme_url: pebble.directory,
    },
  });
  onTestFinished(() => daemon[Symbol.asyncDispose]());
  return daemon;
}

/** Serial number of what the daemon presents, once a client that trusts Pebble alone accepts it. */
async function serialOf(daemon: TestDaemon, ca: string): Promise<string> {
  const port = Number(new URL(daemon.url).port);
  return until({
    what: "a certificate that clients accept",
    withinMs: 60_000,
    evidence: () => daemon.log.join("\n"),
    probe: async () => {
      const socket = connect({ port, host: "127.0.0.1", servername: name, ca });
      try {
        await once(socket, "secureConnect");
        return socket.getPeerCertificate().serialNumber;
      } finally {
        socket.destroy();
      }
    },
  });
}

/** How often certificates were asked for, by outcome. */
async function outcomes(daemon: TestDaemon): Promise<Record<string, number>> {
  const text = await (await fetch(`${daemon.metricsUrl}/metrics`)).text();
  const found = text.matchAll(/^headscale_certificates_total\{result="([\w-]+)"\} (\d+)$/gm);
  return Object.fromEntries([...found].map(([, result, count]) => [result, Number(count)]));
}

describe("daemons on one PostgreSQL", () => {
  test("order one certificate, whoever begins, and a later one asks nobody", async () => {
    const [httpPort, otherPort, thirdPort] = await Promise.all([freePort(), freePort(), freePort()]);
    // Challenges are looked for at the first daemon only: it answers for whichever of them orders.
    const pebble = await startPebble({ httpPort, tlsPort: await freePort() });
    const root = await pebble.root();
    const daemons = await Promise.all([openDaemon(pebble, httpPort), openDaemon(pebble, otherPort)]);
    const serials = await Promise.all(daemons.map((daemon) => serialOf(daemon, root)));
    expect(new Set(serials).size).toBe(1);
    const told = await Promise.all(daemons.map(outcomes));
    expect(told.toSorted((a, b) => (b.ok ?? 0) - (a.ok ?? 0))).toEqual([{ ok: 1 }, { adopted: 1 }]);

    await pebble[Symbol.asyncDispose]();
    const third = await openDaemon(pebble, thirdPort);
    expect(await serialOf(third, root)).toBe(serials[0]);
    expect(await outcomes(third)).not.toMatchObject({ ok: 1 });
    expect(daemons.flatMap(({ log }) => log.filter((line) => line.startsWith("error")))).toEqual([]);
  });
});
