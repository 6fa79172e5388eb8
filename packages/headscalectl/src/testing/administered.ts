import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { AdminServices } from "./admin-services.ts";
import { callCommand } from "./command-line.ts";

/** A folder and servers in it, all gone when it is disposed of. */
export class Ground implements AsyncDisposable {
  readonly folder: string;
  readonly #servers: Server[] = [];

  constructor(folder: string) {
    this.folder = folder;
  }

  static async make(): Promise<Ground> {
    const ground = new Ground(await mkdtemp(join(tmpdir(), "headscalectl-")));
    await writeFile(ground.env.HEADSCALE_CONFIG, "");
    return ground;
  }

  /** So that nothing on this machine is found that a test has not put there. */
  get env() {
    return { HOME: this.folder, HEADSCALE_CONFIG: join(this.folder, "empty.yaml") };
  }

  /** @returns the port, on loopback, unless it listens at a path. */
  async listen(server: Server, path?: string): Promise<number> {
    server.listen(path === undefined ? { host: "127.0.0.1", port: 0 } : { path });
    await once(server, "listening");
    this.#servers.push(server);
    const address = server.address();
    return typeof address === "object" && address !== null ? address.port : 0;
  }

  /** A world of its own behind a unix socket, and commands that talk to it. */
  async administered() {
    const services = new AdminServices();
    const path = join(this.folder, `${this.#servers.length}.sock`);
    await this.listen(createServer(connectNodeAdapter({ routes: services.routes })), path);
    const env = { ...this.env, HEADSCALE_UNIX_SOCKET: path };
    const ctl = (args: string, input: string | { readonly typed: string } = "") => callCommand(words(args), env, input);
    return { services, ctl, env };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const server of this.#servers) {
      server.close();
      if ("closeAllConnections" in server) (server as ReturnType<typeof createServer>).closeAllConnections();
    }
    await rm(this.folder, { recursive: true });
  }
}

/** Splits at spaces outside of single quotes. */
export function words(line: string): string[] {
  return [...line.matchAll(/'([^']*)'|(\S+)/g)].map((match) => match[1] ?? match[2] ?? "");
}
