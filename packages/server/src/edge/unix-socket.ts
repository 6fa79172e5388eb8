import { once } from "node:events";
import { lstatSync, rmSync } from "node:fs";
import { chmod, lstat, mkdir, rename, rm } from "node:fs/promises";
import { connect, type Server } from "node:net";
import { dirname } from "node:path";
import { EdgeError } from "./edge-error.ts";

/**
 * Binds `server` to a socket file of the given mode. A file left by a dead process is replaced, a living one's is not;
 * the folder is made when missing. Returns what removes the file, if it is still ours.
 */
export async function bindUnixSocket(server: Server, path: string, mode: number): Promise<() => void> {
  try {
    await mkdir(dirname(path), { recursive: true });
    await refuseUnlessStale(path);
    // Until it has its mode, nobody but us may open it; nor is there a moment without the file for those who wait for it.
    const unready = `${path}.${process.pid}`;
    await rm(unready, { force: true });
    server.listen(unready);
    await once(server, "listening");
    await chmod(unready, mode);
    await rename(unready, path);
  } catch (cause) {
    server.close();
    throw socketError(path, cause);
  }
  const { ino } = await lstat(path);
  return () => {
    if (lstatSync(path, { throwIfNoEntry: false })?.ino === ino) rmSync(path, { force: true });
  };
}

async function refuseUnlessStale(path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (!found) return;
  if (!found.isSocket())
    throw new EdgeError("not-a-socket", `${path} exists and is not a socket; it stays as it is: choose another path`);
  if (await answers(path))
    throw new EdgeError("address-in-use", `cannot listen on ${path}: another headscale is running there`);
}

async function answers(path: string): Promise<boolean> {
  const socket = connect(path);
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

function socketError(path: string, cause: unknown): EdgeError {
  if (cause instanceof EdgeError) return cause;
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  if (code === "EACCES" || code === "EPERM" || code === "EROFS")
    return new EdgeError(
      "address-forbidden",
      `cannot make the socket ${path}: its folder is not writable for us`,
      cause,
    );
  // sockaddr_un holds 107 bytes; unix(7)
  if (code === "EINVAL" || code === "ENAMETOOLONG")
    return new EdgeError("bad-address", `cannot make the socket ${path}: the path is too long`, cause);
  return new EdgeError("listen-failed", `cannot make the socket ${path}: ${String(cause)}`, cause);
}
