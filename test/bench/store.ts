/**
 * What the stores can do: commits one after the other and with 64 on their way, presence, and a start with 10,000 nodes.
 *
 *   node test/bench/store.ts
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openPostgresStore, openSqliteStore, type Store } from "@headscale/store";
import type { NodeId, Presence } from "@headscale/tailnet";
import { postgresWanted, startPostgres } from "../support/postgres.ts";
import { base, Numbering, node, presence, put } from "../support/store-samples.ts";

const nodeCount = 10_000;
const inFlight = 64;
const ms = (since: number) => performance.now() - since;

function report(store: string, what: string, figure: string): void {
  console.log(`| ${store} | ${what} | ${figure} |`);
}

async function sequential(store: Store, numbering: Numbering, count: number): Promise<string> {
  const times: number[] = [];
  for (let i = 0; i < count; i++) {
    const start = performance.now();
    await store.commit(numbering.changes(put.node(node((i % 500) + 1, { createdAt: i }))));
    times.push(ms(start));
  }
  times.sort((a, b) => a - b);
  const perSecond = (count / times.reduce((sum, time) => sum + time, 0)) * 1000;
  const at = (part: number) => (times[Math.floor(count * part)] ?? 0).toFixed(2);
  return `${Math.round(perSecond)}/s (median ${at(0.5)} ms, 99 % within ${at(0.99)} ms)`;
}

async function concurrent(store: Store, numbering: Numbering, count: number): Promise<string> {
  let started = 0;
  let worstTurnMs = 0;
  const watch = setInterval(() => {
    worstTurnMs = Math.max(worstTurnMs, ms(lastTurn) - 5);
    lastTurn = performance.now();
  }, 5);
  let lastTurn = performance.now();
  const start = performance.now();
  const run = async () => {
    while (started++ < count) await store.commit(numbering.changes(put.node(node((started % 500) + 1))));
  };
  await Promise.all(Array.from({ length: inFlight }, run));
  const perSecond = (count / ms(start)) * 1000;
  clearInterval(watch);
  return `${Math.round(perSecond)}/s (event loop held up for at most ${Math.round(worstTurnMs)} ms)`;
}

async function bench(name: string, store: Store): Promise<void> {
  const numbering = new Numbering();
  await store.commit(numbering.changes(...base(), ...Array.from({ length: 500 }, (_, i) => put.node(node(i + 1)))));
  report(name, "commits of one change, one after the other", await sequential(store, numbering, 1_000));
  report(name, `commits of one change, ${inFlight} on their way`, await concurrent(store, numbering, 10_000));

  const nodes = Array.from({ length: nodeCount - 500 }, (_, i) => put.node(node(i + 501)));
  let start = performance.now();
  await store.commit(numbering.changes(...nodes));
  report(name, `one commit of ${nodes.length} changes`, `${Math.round(ms(start))} ms`);

  const rows = new Map<NodeId, Presence>();
  for (let n = 1; n <= nodeCount; n++) rows.set(n as NodeId, presence(n % 200));
  start = performance.now();
  await store.writePresence(rows);
  report(name, `presence of ${nodeCount} nodes`, `${Math.round(ms(start))} ms`);

  start = performance.now();
  await store.load();
  report(name, `load ${nodeCount} nodes with presence`, `${Math.round(ms(start))} ms`);

  start = performance.now();
  await store.history({ subject: "node", subjectId: 7 });
  report(name, "a page of one node's history, 20,000 changes stored", `${ms(start).toFixed(1)} ms`);
}

const folder = await mkdtemp(join(process.env.BENCH_DIR ?? tmpdir(), "bench-store-"));
{
  await using sqlite = await openSqliteStore({ path: join(folder, "db.sqlite") });
  await bench("SQLite", sqlite);
}
await rm(folder, { recursive: true });

if (postgresWanted()) {
  await using server = await startPostgres({ durable: true });
  const { host, port, database, user } = server;
  await using store = await openPostgresStore({ host, port, database, user, ssl: "disable" });
  await bench("PostgreSQL", store);
}
