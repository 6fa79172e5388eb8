/**
 * What the control plane costs: the daemon as a process of its own, its clients (test/support's double) in this one.
 *
 *   node test/bench/control.ts [SECTION …]     sections: thousand (with restart and idle), small, large
 */
import { setTimeout as sleep } from "node:timers/promises";
import { type ChangeCost, changeKinds, endpointChange, measure, measurePolicyWrite } from "./control/changes.ts";
import { BenchDaemon } from "./control/daemon.ts";
import { Fleet } from "./control/fleet.ts";
import { kib, ms, quantile, table } from "./control/report.ts";

const spares = 5;
const atOnce = 32;
/** Clients that dial at the same time when all open their streams. */
const dialsAtOnce = 128;
/** After a restart clients find out within about this time that their server has gone, and come back. */
const comeBackWithinMs = 1_000;
const idleMs = 10_000;

async function openTailnet(nodes: number): Promise<{ daemon: BenchDaemon; fleet: Fleet }> {
  const daemon = await BenchDaemon.start();
  const { user } = await daemon.admin.call<{ user: { id: string } }>("CreateUser", { name: "bench" });
  const { preAuthKey } = await daemon.admin.call<{ preAuthKey: { key: string } }>("CreatePreAuthKey", {
    user: user.id,
    reusable: true,
    expiration: new Date(Date.now() + 3_600_000).toISOString(),
  });
  const fleet = new Fleet(daemon.server, preAuthKey.key);
  await timed(daemon, `register ${nodes} nodes, ${atOnce} at once`, () => fleet.register(nodes, atOnce), nodes);
  return { daemon, fleet };
}

const times: string[][] = [];

/** Runs a step and notes its wall time and the server's CPU time. */
async function timed(daemon: BenchDaemon, what: string, step: () => Promise<unknown>, count = 0): Promise<void> {
  const [startedAt, cpuBefore] = [performance.now(), daemon.cpuMs()];
  await step();
  const wallMs = performance.now() - startedAt;
  const rate = count > 0 ? `${Math.round((count * 1000) / wallMs)}/s` : "";
  times.push([what, ms(wallMs), ms(daemon.cpuMs() - cpuBefore), rate]);
}

function printTimes(): void {
  console.log(`${table(["what", "wall", "server CPU", "rate"], times.splice(0))}\n`);
}

/** Opens everybody's map stream but the spares'. */
function openAll(fleet: Fleet, nodes: number): Promise<void> {
  return fleet.open(
    Array.from({ length: nodes - spares }, (_, index) => index),
    dialsAtOnce,
  );
}

async function costs(nodes: number, { daemon, fleet }: { daemon: BenchDaemon; fleet: Fleet }): Promise<void> {
  const rows: string[][] = [];
  const note = (name: string, { cpuMs, wallMs, bytes }: ChangeCost) =>
    rows.push([name, ms(cpuMs), ms(quantile(wallMs, 0.5)), ms(Math.max(...wallMs)), `${Math.round(bytes)} B`]);
  for (const kind of await changeKinds(daemon, fleet, spares)) note(kind.name, await measure(daemon, fleet, kind));
  note("policy write that touches one node", await measurePolicyWrite(daemon, fleet));
  console.log(`One change among ${nodes} nodes, each with an open stream:\n`);
  console.log(`${table(["change", "server CPU", "wall, median", "wall, worst", "per stream"], rows)}\n`);
}

async function thousand(): Promise<void> {
  const nodes = 1000;
  const tailnet = await openTailnet(nodes);
  await using daemon = tailnet.daemon;
  await using fleet = tailnet.fleet;
  const rssBefore = daemon.rssBytes();
  await timed(daemon, `${nodes} clients open their streams`, () => openAll(fleet, nodes));
  await timed(daemon, "until all is said", () => fleet.quiet());
  const endpoint = await measure(daemon, fleet, endpointChange(fleet));
  const cpuBefore = daemon.cpuMs();
  await sleep(idleMs);
  const idleCpu = daemon.cpuMs() - cpuBefore;
  const perPoller = (daemon.rssBytes() - rssBefore) / fleet.openCount;
  await costs(nodes, tailnet);
  await restart(nodes, tailnet);
  printTimes();
  console.log(
    `Endpoint change to the last of ${nodes} peers, 50 changes: p50 ${ms(quantile(endpoint.wallMs, 0.5))}, p99 ${ms(quantile(endpoint.wallMs, 0.99))}, ${ms(endpoint.cpuMs)} server CPU each`,
  );
  console.log(
    `Idle poller: ${kib(perPoller)} RSS, ${((idleCpu / fleet.openCount / idleMs) * 1e6).toFixed(0)} µs CPU per second\n`,
  );
}

/** The power fails with everybody connected; the first client finds nothing prepared, the last one everything. */
async function restart(nodes: number, { daemon, fleet }: { daemon: BenchDaemon; fleet: Fleet }): Promise<void> {
  await daemon.kill();
  await fleet.drop();
  times.push([`start with ${nodes} nodes, until /health answers`, ms(await daemon.run()), ms(daemon.cpuMs()), ""]);
  const whole = async (index: number, which: string) => {
    const startedAt = performance.now();
    const bytes = await fleet.openOne(index);
    times.push([`whole map for the ${which} viewer (${kib(bytes)})`, ms(performance.now() - startedAt), "", ""]);
  };
  await whole(0, "first");
  const rest = Array.from({ length: nodes - 2 }, (_, index) => index + 1);
  let waitsMs: number[] = [];
  await timed(daemon, `all ${nodes} clients have a whole map again`, async () => {
    waitsMs = await fleet.comeBack(rest, comeBackWithinMs);
  });
  await timed(daemon, "until all is said", () => fleet.quiet());
  await whole(nodes - 1, "last");
  const [half, most] = [0.5, 0.99].map((share) => ms(quantile(waitsMs, share)));
  times.push([`a client's wait, from its first dial to its map: p50 ${half}, p99 ${most}`, "", "", ""]);
}

async function changesAmong(nodes: number): Promise<void> {
  const tailnet = await openTailnet(nodes);
  await using _daemon = tailnet.daemon;
  await using fleet = tailnet.fleet;
  await timed(tailnet.daemon, `${nodes} clients open their streams`, () => openAll(fleet, nodes));
  await timed(tailnet.daemon, "until all is said", () => fleet.quiet());
  await costs(nodes, tailnet);
  await restart(nodes, tailnet);
  printTimes();
}

const sections: Readonly<Record<string, () => Promise<void>>> = {
  small: () => changesAmong(250),
  thousand,
  large: () => changesAmong(4000),
};
const wanted = process.argv.slice(2);
for (const [name, section] of Object.entries(sections))
  if (wanted.length === 0 || wanted.includes(name)) await section();
