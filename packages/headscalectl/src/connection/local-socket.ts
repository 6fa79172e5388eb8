import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { CliError } from "#failure.ts";

/** Where a daemon on this host may listen, beside the path it is configured with. */
const usualPaths = ["./data/headscale.sock", "/var/run/headscale/headscale.sock"];

const [firstPauseMs, longestPauseMs] = [25, 400];

export interface LocalSocketOptions {
  /** Where the daemon of this host is configured to listen: then there is one, and it may be starting just now. */
  readonly configured: string | undefined;
  /** How long to wait for it; 0: for ever. */
  readonly timeoutMs: number;
}

/**
 * The first of the daemon's possible sockets on which somebody listens. A configured one is waited for: units that start
 * after the daemon's may run before it listens.
 * @throws {CliError} denied when this user may not open one that is there; unavailable when nobody listens on any.
 */
export async function findLocalSocket({ configured, timeoutMs }: LocalSocketOptions): Promise<string> {
  const paths = [...new Set([...(configured === undefined ? [] : [configured]), ...usualPaths])];
  const deadline = configured === undefined ? 0 : timeoutMs === 0 ? Number.POSITIVE_INFINITY : Date.now() + timeoutMs;
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(longestPauseMs, pauseMs * 2)) {
    const found = await firstThatAnswers(paths);
    if (found !== undefined) return found;
    const leftMs = deadline - Date.now();
    if (leftMs <= 0) break;
    await sleep(Math.min(pauseMs, leftMs));
  }
  const waited = configured === undefined ? "" : ` after ${timeoutMs / 1000}s (see --timeout)`;
  throw new CliError(
    "unavailable",
    `no daemon listens on ${paths.join(" or ")}${waited}; start headscale, or name a server with --address`,
  );
}

/** @throws {CliError} denied */
async function firstThatAnswers(paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) {
    const refusal = await refusalOf(path);
    if (refusal === undefined) return path;
    if (refusal === "EACCES" || refusal === "EPERM") {
      throw new CliError("denied", `unix socket ${path}: permission denied; its owner and group may use it`);
    }
  }
  return undefined;
}

/** The error code that connecting ends with, if it does. */
function refusalOf(path: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once("connect", () => {
      socket.destroy();
      resolve(undefined);
    });
    socket.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? "unknown"));
  });
}
