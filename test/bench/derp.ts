/**
 * Relays packets of Tailscale's own client through our relay and through derper, over TLS on loopback, and compares what each
 * gets out of a second of CPU time. Needs Go.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import {
  buildGoPrograms,
  type RelayProcess,
  runClient,
  runWebSocketClient,
  startDaemon,
  startDerper,
  startOurs,
} from "./derp/programs.ts";

const { values: flags } = parseArgs({
  options: {
    pairs: { type: "string", default: "4" },
    /** Packets each pair keeps in flight; 0 sends as fast as TCP takes them, and most are dropped. */
    window: { type: "string", default: "24" },
    span: { type: "string", default: "6s" },
    rounds: { type: "string", default: "5" },
    sizes: { type: "string", default: "1200,64" },
    /** Of `derper`, `ours` and `daemon`, which is ours behind the listener it shares. */
    relays: { type: "string", default: "derper,ours,daemon" },
    /** DERP inside a WebSocket, as browsers speak it. */
    websocket: { type: "boolean", default: false },
  },
});

interface Load {
  readonly Seconds: number;
  readonly PacketsReceived: number;
  readonly PacketsSent: number;
  readonly ServerCPUSeconds: number;
  readonly ServerRSSBytes: number;
}

const DERPER_PORT = 3499;
const DAEMON_PORT = 3498;
const directory = await mkdtemp(join(tmpdir(), "derp-bench-"));
const relays: Readonly<Record<string, () => Promise<RelayProcess>>> = {
  derper: () => startDerper(directory, DERPER_PORT),
  ours: () => startOurs(),
  daemon: () => startDaemon(directory, DAEMON_PORT),
};
const measured = Object.entries(relays).filter(([name]) => flags.relays.split(",").includes(name));

async function measure(relay: RelayProcess, size: number): Promise<Load> {
  const plan = ["-pairs", flags.pairs, "-window", flags.window, "-span", flags.span];
  const args = ["-pid", `${relay.pid}`, "-size", `${size}`, ...plan];
  if (flags.websocket) return (await runWebSocketClient(directory, "load", relay.node, ...args)) as Load;
  return (await runClient("load", relay.node, ...args)) as Load;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

function row(name: string, size: number, loads: readonly Load[]): string {
  const perCpu = median(loads.map((l) => l.PacketsReceived / l.ServerCPUSeconds));
  const rate = median(loads.map((l) => l.PacketsReceived / l.Seconds));
  const delivered = median(loads.map((l) => l.PacketsReceived / l.PacketsSent));
  const rss = median(loads.map((l) => l.ServerRSSBytes));
  const cells = [
    name,
    size,
    Math.round(perCpu).toLocaleString("en"),
    ((perCpu * size * 8) / 1e9).toFixed(2),
    Math.round(rate).toLocaleString("en"),
    `${(100 * delivered).toFixed(0)} %`,
    `${Math.round(rss / 1e6)} MB`,
  ];
  return `| ${cells.join(" | ")} |`;
}

await buildGoPrograms();
try {
  console.log("| relay | bytes | packets per CPU second | Gbit per CPU second | packets/s | delivered | RSS |");
  console.log("|---|---|---|---|---|---|---|");
  for (const size of flags.sizes.split(",").map(Number)) {
    const results = new Map(measured.map(([name]) => [name, [] as Load[]]));
    for (let round = 0; round < Number(flags.rounds); round++)
      for (const [name, start] of measured) {
        await using relay = await start();
        results.get(name)?.push(await measure(relay, size));
      }
    for (const [name, loads] of results) console.log(row(name, size, loads));
  }
} finally {
  await rm(directory, { recursive: true });
}
