import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { startProgram } from "../lab/bridge.ts";
import { setUdp } from "../lab/cabling.ts";
import { embeddedRelay, relayOverTls } from "../lab/embedded-relay.ts";
import { Lab } from "../lab/lab.ts";
import { until } from "../lab/until.ts";

const program = join(import.meta.dirname, "../lab/programs/ticker.ts");

test("a TCP connection over the server's relay outlives its restart, in good order and by kill -9", async () => {
  await using lab = await Lab.start();
  const server = await lab.server({ config: embeddedRelay });
  const key = await server.admin.key(await server.admin.user("alice"), "--reusable");
  const [n1, n2] = await Promise.all([
    lab.client("n1", "new", server, { env: relayOverTls }),
    lab.client("n2", "old", server, { env: relayOverTls }),
  ]);
  await setUdp(n2.host, "blocked");
  await Promise.all([n1.join(key), n2.join(key)]);
  await Promise.all([n1.peer("n2"), n2.peer("n1"), startProgram(n2.host, "ticker.ts", "serve", "7000")]);
  const read = [process.execPath, program, "read", await n2.address(), "7000"] as const;
  const reader = await n1.host.daemon(read, "ticks", process.env);
  const ticks = () => readFileSync(reader.log, "utf8").split("\n").slice(0, -1);
  const more = (than: number, withinMs: number) =>
    until({
      what: `more than ${than} ticks`,
      withinMs,
      probe: () => ticks().length > than,
      evidence: () => [`${ticks().length} came`, n1.evidence(), n2.evidence(), server.evidence()].join("\n"),
    });

  await more(50, 20_000);
  for (const end of ["stop", "kill9"] as const) {
    await server[end]();
    await server.start();
    // What was sent before the end and had arrived is behind this; what comes now came through the new relay.
    await more(ticks().length + 300, 60_000);
  }
  expect(reader.alive()).toBe(true);
  expect(ticks()).toEqual(ticks().map((_, index) => String(index)));
  expect(await n1.ping(await n2.address(), { via: "relay" })).toContain("via DERP(own)");
});
