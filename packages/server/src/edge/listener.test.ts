import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { describe, expect, onTestFinished, test } from "vitest";
import { createEdge, type Edge } from "./edge.ts";
import { answerWithWhatIsSeen, openEdge, type Seen } from "./testing/open-edge.ts";

async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "edge-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}

function edgeForTest(): Edge {
  const edge = createEdge({ request: answerWithWhatIsSeen, trustedProxies: ["127.0.0.1"] });
  onTestFinished(() => edge.close(0));
  return edge;
}

async function askOverUnix(socketPath: string, headers: Record<string, string> = {}): Promise<Seen> {
  const sent = request({ socketPath, path: "/", headers, agent: false }).end();
  const [response] = await once(sent, "response");
  return JSON.parse(await text(response));
}

describe("listening on TCP", () => {
  test("works on several addresses and families at once", async () => {
    const edge = edgeForTest();
    const four = await edge.listen({ kind: "tcp", host: "127.0.0.1", port: 0 });
    const six = await edge.listen({ kind: "tcp", host: "::1", port: 0 });
    expect(six.shown).toBe(`[::1]:${six.port}`);
    const seen = await Promise.all(
      [four, six].map(async ({ shown }) => (await fetch(`http://${shown}/`)).json() as Promise<Seen>),
    );
    expect(seen.map(({ client }) => client)).toEqual(["127.0.0.1", "::1"]);
  });

  test("of both families shows IPv4 clients as such", async () => {
    const { port } = await edgeForTest().listen({ kind: "tcp", port: 0 });
    expect(((await (await fetch(`http://127.0.0.1:${port}/`)).json()) as Seen).client).toBe("127.0.0.1");
  });

  test("says which port is taken, and how to find by whom", async () => {
    const { port } = await openEdge();
    const again = edgeForTest().listen({ kind: "tcp", host: "127.0.0.1", port });
    await expect(again).rejects.toMatchObject({
      code: "address-in-use",
      message: expect.stringMatching(new RegExp(`127.0.0.1:${port}.*another program.*ss -ltnp 'sport = :${port}'`)),
    });
  });

  test("says that this machine lacks an address", async () => {
    await expect(edgeForTest().listen({ kind: "tcp", host: "192.0.2.1", port: 0 })).rejects.toMatchObject({
      code: "address-unavailable",
      message: "cannot listen on 192.0.2.1:0: this machine has no such address",
    });
  });
});

describe("listening on a unix socket", () => {
  test("makes folder and socket, with the mode asked for, and removes the socket at the end", async () => {
    const path = join(await makeFolder(), "made", "edge.sock");
    const edge = edgeForTest();
    await edge.listen({ kind: "unix", path, mode: 0o660 });
    expect((await stat(path)).mode & 0o777).toBe(0o660);
    expect(await askOverUnix(path)).toMatchObject({ transport: "unix", secure: false });
    await edge.close();
    expect(existsSync(path)).toBe(false);
  });

  test("takes no client's address from headers", async () => {
    const path = join(await makeFolder(), "edge.sock");
    await edgeForTest().listen({ kind: "unix", path, mode: 0o600 });
    const seen = await askOverUnix(path, { "x-forwarded-for": "192.0.2.7" });
    expect(seen.client).toBeUndefined();
    expect(seen.headers["x-forwarded-for"]).toBeUndefined();
  });

  test("replaces what a killed process left", async () => {
    const path = join(await makeFolder(), "edge.sock");
    const script = `require("net").createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, "SIGKILL"))`;
    await once(spawn(process.execPath, ["-e", script]), "exit");
    expect(existsSync(path)).toBe(true);
    await edgeForTest().listen({ kind: "unix", path, mode: 0o600 });
    expect((await askOverUnix(path)).transport).toBe("unix");
  });

  test("leaves a living process its socket", async () => {
    const path = join(await makeFolder(), "edge.sock");
    await edgeForTest().listen({ kind: "unix", path, mode: 0o600 });
    const second = edgeForTest();
    await expect(second.listen({ kind: "unix", path, mode: 0o600 })).rejects.toMatchObject({ code: "address-in-use" });
    await second.close();
    expect((await askOverUnix(path)).transport).toBe("unix");
  });

  test("does not remove a socket that another process has put in its place", async () => {
    const path = join(await makeFolder(), "edge.sock");
    const edge = edgeForTest();
    await edge.listen({ kind: "unix", path, mode: 0o600 });
    await rm(path);
    await edgeForTest().listen({ kind: "unix", path, mode: 0o600 });
    await edge.close();
    expect((await askOverUnix(path)).transport).toBe("unix");
  });

  test.for([
    { says: "a path that is a file", name: "file", code: "not-a-socket" },
    { says: "a path that is too long", name: "x".repeat(150), code: "bad-address" },
    { says: "a folder that is a file", name: "file/edge.sock", code: "listen-failed" },
  ])("refuses $says", async ({ name, code }) => {
    const folder = await makeFolder();
    await writeFile(join(folder, "file"), "precious");
    await expect(edgeForTest().listen({ kind: "unix", path: join(folder, name), mode: 0o600 })).rejects.toMatchObject({
      code,
    });
    expect((await stat(join(folder, "file"))).size).toBe(8);
  });
});

describe("listening on a socket that systemd opened", () => {
  /** A process that finds `server`'s socket as descriptor 3, as a service of systemd does. */
  async function activate(server: Server, where: string | { host: string; port: number }) {
    server.listen(where as never);
    await once(server, "listening");
    const { fd } = (server as unknown as { _handle: { fd: number } })._handle;
    const program = `
      import { createEdge } from ${JSON.stringify(join(import.meta.dirname, "edge.ts"))};
      import { activatedSockets } from ${JSON.stringify(join(import.meta.dirname, "activation.ts"))};
      const edge = createEdge({ request: (request, response) => response.end("activated") });
      const [socket] = activatedSockets({ LISTEN_FDS: "1", LISTEN_PID: String(process.pid) }, process.pid);
      console.log(JSON.stringify(await edge.listen(socket)));`;
    const service = spawn(process.execPath, ["--input-type=module", "-e", program], {
      stdio: ["ignore", "pipe", "inherit", fd],
    });
    onTestFinished(() => void service.kill("SIGKILL"));
    const [line] = await once(service.stdout as Readable, "data");
    server.close();
    return JSON.parse(String(line));
  }

  test("serves TCP", async () => {
    const { transport, port, shown } = await activate(createServer(), { host: "127.0.0.1", port: 0 });
    expect({ transport, shown }).toEqual({ transport: "tcp", shown: `127.0.0.1:${port}` });
    expect(await (await fetch(`http://${shown}/`)).text()).toBe("activated");
  });

  test("knows a unix socket as such", async () => {
    const path = join(await makeFolder(), "activated.sock");
    expect(await activate(createServer(), path)).toMatchObject({ transport: "unix" });
  });

  test("says so when there is none", async () => {
    await expect(edgeForTest().listen({ kind: "inherited", fd: 977, name: "https" })).rejects.toThrow(
      /inherited socket https/,
    );
  });
});
