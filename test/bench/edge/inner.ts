import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { BenchDaemon } from "../control/daemon.ts";
import { Fleet } from "../control/fleet.ts";
import { quantile, table } from "../control/report.ts";
import { handshakes } from "./attacks/handshakes.ts";
import { machine } from "./attacks/machine.ts";
import { outer } from "./attacks/outer.ts";
import { streams } from "./attacks/streams.ts";
import { Honest } from "./honest.ts";
import type { Orders } from "./hostile.ts";

/** Machines of the tailnet, so that maps are long enough to be worth an attack. */
const peers = 100;
const restMs = 2_000;

export const innerAttacks: readonly string[] = [
  "none",
  ...Object.keys({ ...handshakes, ...streams, ...machine, ...outer }),
];

const columns = [
  "attack",
  "RSS before, MB",
  "peak",
  "after",
  "server's CPU, %",
  "health p50, ms",
  "p99",
  "worst",
  "change p50, ms",
  "p99",
  "worst",
  "connect p50, ms",
  "worst",
  "lost",
  "log, KB",
];

const megabytes = (bytes: number) => (bytes / 1_048_576).toFixed(0);
const three = (times: readonly number[]) => [0.5, 0.99, 1].map((part) => quantile(times, part).toFixed(1));

/** The whole daemon in a process of its own, the attacker in another, one row for each attack. */
export async function measureInner(attacks: readonly string[], forMs: number): Promise<void> {
  console.log(table(columns, []));
  for (const name of attacks) console.log(table(columns, [await measure(name, forMs)]).split("\n")[2]);
}

async function measure(name: string, forMs: number): Promise<string[]> {
  await using daemon = await BenchDaemon.start({
    limits: {},
    log: { level: "info" },
    derp: { server: { enabled: true, stun_listen_addr: "127.0.0.1:0" }, urls: [] },
  });
  const authKey = await reusableKey(daemon);
  await using fleet = new Fleet(daemon.server, authKey);
  await fleet.register(peers, 8);
  await fleet.drop();
  await using honest = await Honest.join(daemon, authKey);
  await honest.behave(1_000); // warm
  const before = daemon.rssBytes();
  daemon.forgetPeak();
  const attacker = name === "none" ? undefined : attack({ name, forMs, authKey, port: daemon.port });
  const [cpuBefore, logBefore] = [daemon.cpuMs(), daemon.logBytes()];
  const fared = await honest.behave(forMs);
  const cpuMs = daemon.cpuMs() - cpuBefore;
  await attacker;
  await delay(restMs);
  const [, , worstDial] = three(fared.dials);
  return [
    name,
    megabytes(before),
    megabytes(daemon.peakRssBytes()),
    megabytes(daemon.rssBytes()),
    ((100 * cpuMs) / forMs).toFixed(0),
    ...three(fared.health),
    ...three(fared.changes),
    quantile(fared.dials, 0.5).toFixed(1),
    worstDial ?? "",
    String(fared.lost),
    ((daemon.logBytes() - logBefore) / 1_024).toFixed(0),
  ];
}

async function attack(orders: Orders): Promise<void> {
  const child = fork(join(import.meta.dirname, "inner-attacker.ts"), {
    env: { ...process.env, ORDERS: JSON.stringify(orders) },
  });
  const [code] = await once(child, "exit");
  if (code !== 0) throw new Error(`the attacker failed: ${orders.name}`);
}

async function reusableKey(daemon: BenchDaemon): Promise<string> {
  const { user } = await daemon.admin.call<{ user: { id: string } }>("CreateUser", { name: "bench" });
  const { preAuthKey } = await daemon.admin.call<{ preAuthKey: { key: string } }>("CreatePreAuthKey", {
    user: user.id,
    reusable: true,
    expiration: new Date(Date.now() + 3_600_000).toISOString(),
  });
  return preAuthKey.key;
}
