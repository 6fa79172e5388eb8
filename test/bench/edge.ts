/**
 * What attacks cost, and a client that behaves. Ends by itself.
 *
 *   node test/bench/edge.ts [ATTACK …]         the listener alone, about a minute
 *   node test/bench/edge.ts inner [ATTACK …]   the whole daemon, inside Noise and beside it; about ten minutes
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { Agent, get } from "node:http";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { innerAttacks, measureInner } from "./edge/inner.ts";

const attackMs = 6_000;
const everyMs = 10;

interface Report {
  readonly port: number;
  readonly rss: number;
  readonly peak: number;
  readonly cpuMs: number;
  readonly connections: number;
  readonly refused: number;
}

const program = (name: string) => join(import.meta.dirname, "edge", `${name}.ts`);

async function ask(server: ChildProcess, what: "report" | "collect"): Promise<Report> {
  server.send(what);
  const [report] = await once(server, "message");
  return report as Report;
}

/** One request each `everyMs` over a kept-alive connection; milliseconds each took, sorted. */
async function behave(port: number, forMs: number): Promise<number[]> {
  const agent = new Agent({ keepAlive: true });
  const times: number[] = [];
  const until = performance.now() + forMs;
  while (performance.now() < until) {
    const begun = performance.now();
    await new Promise((resolve, reject) => {
      get({ host: "127.0.0.1", port, agent }, (response) => response.resume().once("end", resolve)).once(
        "error",
        reject,
      );
    });
    times.push(performance.now() - begun);
    await delay(everyMs);
  }
  agent.destroy();
  return times.sort((a, b) => a - b);
}

const share = (sorted: readonly number[], part: number) =>
  (sorted[Math.floor((sorted.length - 1) * part)] ?? 0).toFixed(1);
const megabytes = (bytes: number) => (bytes / 1_048_576).toFixed(0);

async function measure(attack: string): Promise<string> {
  // A server of its own, so that no row inherits another's memory or the attacker's rest.
  const server = fork(program("server"), { execArgv: ["--expose-gc"] });
  await once(server, "spawn");
  const before = await ask(server, "collect");
  await behave(before.port, 1_000); // warm
  const quiet = await ask(server, "collect");
  const attacker =
    attack === "none" ? undefined : fork(program("attacker"), [attack, String(before.port), String(attackMs)]);
  const times = await behave(before.port, attackMs);
  const during = await ask(server, "report");
  if (attacker && attacker.exitCode === null) await once(attacker, "exit");
  if (attacker?.exitCode) throw new Error(`the attacker failed: ${attack}`);
  await delay(500);
  const after = await ask(server, "collect");
  server.disconnect();
  await once(server, "exit");
  const cells = [
    attack,
    megabytes(quiet.rss),
    megabytes(during.peak),
    megabytes(after.rss),
    ((100 * (during.cpuMs - quiet.cpuMs)) / attackMs).toFixed(0),
    share(times, 0.5),
    share(times, 0.99),
    share(times, 1),
    String(during.refused),
  ];
  return `| ${cells.join(" | ")} |`;
}

const listenerAttacks = [
  "none",
  "half-open",
  "half-a-head",
  "rapid-reset",
  "open-streams",
  "continuation",
  "many-fields",
  "ping",
  "requests",
];

async function measureListener(attacks: readonly string[]): Promise<void> {
  console.log(
    "| attack | RSS before, MB | peak | after | server's CPU, % | request p50, ms | p99 | worst | connections refused |",
  );
  console.log("|---|---|---|---|---|---|---|---|---|");
  for (const attack of attacks) console.log(await measure(attack));
}

const [group, ...named] = process.argv.slice(2);
if (group === "inner") await measureInner(named.length > 0 ? named : innerAttacks, attackMs);
else await measureListener(group === undefined ? listenerAttacks : [group, ...named]);
