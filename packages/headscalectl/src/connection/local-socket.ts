import { connect } from "node:net";
import { CliError } from "#failure.ts";

/** Where a daemon on this host may listen, beside the path it is configured with. */
const usualPaths = ["./data/headscale.sock", "/var/run/headscale/headscale.sock"];

/**
 * The first of the daemon's possible sockets on which somebody listens.
 * @throws {CliError} denied when this user may not open one that is there; unavailable when nobody listens on any.
 */
export async function findLocalSocket(configured: string | undefined): Promise<string> {
  const paths = [...new Set([...(configured === undefined ? [] : [configured]), ...usualPaths])];
  for (const path of paths) {
    const refusal = await refusalOf(path);
    if (refusal === undefined) return path;
    if (refusal === "EACCES" || refusal === "EPERM") {
      throw new CliError("denied", `unix socket ${path}: permission denied; its owner and group may use it`);
    }
  }
  throw new CliError(
    "unavailable",
    `no daemon listens on ${paths.join(" or ")}; start headscale, or name a server with --address`,
  );
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
