import { spawn } from "node:child_process";
import { existsSync, linkSync, lstatSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** The two ends of the range of clients that is promised to work; each has its module beside this file. */
export const clientVersions = { new: "1.102.5", old: "1.80.3" } as const;
export type ClientVersion = keyof typeof clientVersions;

const programs = { new: ["tailscaled", "derper"], old: ["tailscaled"] } as const;

/** The folder of a version's programs: `tailscaled`, its CLI as `tailscale`, and for the new one `derper`. */
export function clientBin(version: ClientVersion): string {
  return join(import.meta.dirname, version, "bin");
}

/** Builds every client that is not already built from its present go.mod and go.sum. Needs Go and, the first time, the module proxy. */
export async function buildClients(): Promise<void> {
  for (const version of ["new", "old"] as const) {
    if (!isCurrent(version)) await build(version);
    linkCli(version);
  }
}

function stampFile(version: ClientVersion): string {
  return join(clientBin(version), "stamp");
}

/** What the programs were built from: a changed recipe or version rebuilds them. */
function recipe(version: ClientVersion): readonly string[] {
  const v = clientVersions[version];
  const stamps = `-X tailscale.com/version.longStamp=${v} -X tailscale.com/version.shortStamp=${v}`;
  return ["build", "-trimpath", "-tags", "ts_include_cli", `-ldflags=-s -w ${stamps}`, "-o", "bin/", "tool"];
}

function isCurrent(version: ClientVersion): boolean {
  if (!existsSync(stampFile(version)) || readFileSync(stampFile(version), "utf8") !== recipe(version).join("\n")) {
    return false;
  }
  const modules = ["go.mod", "go.sum"].map((file) => statSync(join(import.meta.dirname, version, file)).mtimeMs);
  return programs[version].every((program) => {
    const path = join(clientBin(version), program);
    return existsSync(path) && statSync(path).mtimeMs > Math.max(...modules);
  });
}

async function build(version: ClientVersion): Promise<void> {
  console.log(`building the ${version} client, ${clientVersions[version]} (minutes with an empty Go cache)`);
  const directory = join(import.meta.dirname, version);
  rmSync(stampFile(version), { force: true });
  // Go leaves an output alone that would not change; without it the age check above would build for ever.
  for (const program of programs[version]) rmSync(join(clientBin(version), program), { force: true });
  await go(directory, recipe(version));
  writeFileSync(stampFile(version), recipe(version).join("\n"));
}

/**
 * Called as `tailscale`, a tailscaled built with ts_include_cli is the CLI. It has to be a hard link: the old client's
 * `tailscale ssh` runs itself again by its resolved path, and behind a symbolic link would find the daemon.
 */
function linkCli(version: ClientVersion): void {
  const [cli, daemon] = [join(clientBin(version), "tailscale"), join(clientBin(version), "tailscaled")];
  if (lstatSync(cli, { throwIfNoEntry: false })?.ino === statSync(daemon).ino) return;
  rmSync(cli, { force: true });
  linkSync(daemon, cli);
}

async function go(directory: string, args: readonly string[]): Promise<void> {
  const child = spawn("nice", ["go", ...args], {
    cwd: directory,
    stdio: "inherit",
    env: { ...process.env, CGO_ENABLED: "0", GOFLAGS: "-buildvcs=false" },
  });
  const code = await new Promise((resolve, reject) => child.once("error", reject).once("exit", resolve));
  if (code !== 0) throw new Error(`go build failed in ${directory}`);
}
