/**
 * Relays packets of Tailscale's own client through our relay and through derper, over TLS on loopback, and compares what each
 * gets out of a second of CPU time. Needs Go; builds into test/bench/derp/bin once.
 */
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";

const here = import.meta.dirname;
const bin = join(here, "derp", "bin");
const { values: flags } = parseArgs({
  options: {
    pairs: { type: "string", default: "4" },
    /** Packets each pair keeps in flight; 0 sends as fast as TCP takes them, and most are dropped. */
    window: { type: "string", default: "24" },
    span: { type: "string", default: "6s" },
    rounds: { type: "string", default: "3" },
    sizes: { type: "string", default: "1200,64" },
  },
});

interface Load {
  readonly Seconds: number;
  readonly PacketsReceived: number;
  readonly PacketsSent: number;
  readonly ServerCPUSeconds: number;
  readonly ServerRSSBytes: number;
}

interface Server extends Disposable {
  readonly pid: number;
  /** The DERPNode, as JSON. */
  readonly node: string;
}

/** Starts `command` and waits for the line of output that has a DERPNode's JSON in it. */
async function start(command: string, args: readonly string[], complete: (node: object) => object): Promise<Server> {
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let output = "";
  const hear = (chunk: Buffer) => {
    output += chunk;
    const found = /\{"Name":.*\}/.exec(output);
    if (found) resolve(JSON.stringify(complete(JSON.parse(found[0]) as object)));
  };
  child.stdout.on("data", hear);
  child.stderr.on("data", hear);
  child.on("exit", (code) => reject(new Error(`${command} ended with ${code}: ${output}`)));
  return { pid: child.pid ?? 0, node: await promise, [Symbol.dispose]: () => void child.kill() };
}

const DERPER_PORT = 3499;

const servers: Readonly<Record<string, (directory: string) => Promise<Server>>> = {
  derper: (directory) =>
    start(
      join(bin, "derper"),
      [
        ...["-a", `127.0.0.1:${DERPER_PORT}`, "-certmode", "manual", "-certdir", directory, "-hostname", "127.0.0.1"],
        ...["-stun=false", "-http-port", "-1", "-c", join(directory, "derper.json")],
      ],
      (node) => ({ ...node, DERPPort: DERPER_PORT }),
    ),
  ours: () =>
    start(
      process.execPath,
      [
        join(here, "../../packages/derp/src/main.ts"),
        ...["--hostname", "127.0.0.1", "--listen", "127.0.0.1:0", "--stun-listen", "off"],
      ],
      (node) => node,
    ),
};

function load(server: Server, size: number): Load {
  const output = execFileSync(
    join(bin, "derpbench"),
    [
      ...["load", "-node", server.node, "-pid", `${server.pid}`, "-size", `${size}`],
      ...["-pairs", flags.pairs, "-window", flags.window, "-span", flags.span],
    ],
    { encoding: "utf8" },
  );
  return JSON.parse(output) as Load;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

if (!existsSync(join(bin, "derpbench")))
  execFileSync("go", ["build", "-o", "bin/", ".", "tailscale.com/cmd/derper"], {
    cwd: join(here, "derp"),
    stdio: "inherit",
  });

const directory = mkdtempSync(join(tmpdir(), "derp-bench-"));
try {
  console.log(`| relay | bytes | packets per CPU second | Gbit per CPU second | packets/s | delivered | RSS |`);
  console.log("|---|---|---|---|---|---|---|");
  for (const size of flags.sizes.split(",").map(Number)) {
    const results = new Map<string, Load[]>();
    for (let round = 0; round < Number(flags.rounds); round++)
      for (const [name, begin] of Object.entries(servers)) {
        using server = await begin(directory);
        results.set(name, [...(results.get(name) ?? []), load(server, size)]);
      }
    for (const [name, loads] of results) {
      const perCpu = median(loads.map((l) => l.PacketsReceived / l.ServerCPUSeconds));
      const rate = median(loads.map((l) => l.PacketsReceived / l.Seconds));
      const delivered = median(loads.map((l) => l.PacketsReceived / l.PacketsSent));
      const rss = median(loads.map((l) => l.ServerRSSBytes));
      const gbit = (perCpu * size * 8) / 1e9;
      console.log(
        `| ${name} | ${size} | ${Math.round(perCpu)} | ${gbit.toFixed(3)} | ${Math.round(rate)} | ${(100 * delivered).toFixed(0)} % | ${Math.round(rss / 1e6)} MB |`,
      );
    }
  }
} finally {
  rmSync(directory, { recursive: true });
}
