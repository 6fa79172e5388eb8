import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

export interface BuildInfo {
  readonly version: string;
  readonly commit: string;
  readonly buildTime: string;
  readonly dirty: boolean;
}

/** What this checkout is; without git the commit is unknown. */
export function readBuildInfo(): BuildInfo {
  const here = dirname(fileURLToPath(import.meta.url));
  const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
    version: string;
  };
  const git = (...args: string[]) => {
    try {
      return execFileSync("git", ["-C", here, ...args], {
        encoding: "utf8",
        stdio: ["ignore", "pipe", "ignore"],
      }).trim();
    } catch {
      return undefined;
    }
  };
  return {
    version,
    commit: git("rev-parse", "HEAD") ?? "unknown",
    buildTime: git("show", "-s", "--format=%cI", "HEAD") ?? "unknown",
    dirty: (git("status", "--porcelain", "--untracked-files=no") ?? "") !== "",
  };
}
