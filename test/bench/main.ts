/** Runs benches one after the other: those that are named, or all that need nothing but Node. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";

/** Longest that one bench may take. */
const maxMs = 10 * 60_000;

const benches: Readonly<Record<string, { readonly says: string; readonly needs?: string }>> = {
  noise: { says: "handshakes, records, HTTP/2 inside Noise" },
  policy: { says: "compiling and updating policies" },
  store: { says: "commits and loading" },
  edge: { says: "connections and requests at the listener" },
  tls: { says: "what each TLS cipher costs" },
  control: { says: "registrations, map streams, what a change costs" },
  derp: { says: "the relay beside derper", needs: "Go" },
};

const usage = `Usage: npm run bench [-- NAME …]

${Object.entries(benches)
  .map(([name, { says, needs }]) => `  ${name.padEnd(8)} ${says}${needs ? ` (needs ${needs})` : ""}`)
  .join("\n")}

Without a name: all that need nothing but Node.
`;

async function run(name: string): Promise<boolean> {
  console.log(`\n# ${name}\n`);
  const child = spawn(process.execPath, [join(import.meta.dirname, `${name}.ts`)], {
    stdio: "inherit",
    timeout: maxMs,
  });
  const [code] = await once(child, "exit");
  return code === 0;
}

const names = process.argv.slice(2);
if (names.some((name) => !(name in benches))) {
  process.stderr.write(usage);
  process.exit(2);
}
const chosen = names.length > 0 ? names : Object.keys(benches).filter((name) => benches[name]?.needs === undefined);
for (const name of chosen.filter((bench) => existsSync(join(import.meta.dirname, `${bench}.ts`)))) {
  if (!(await run(name))) process.exitCode = 1;
}
