import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { createServer, type RequestListener } from "node:http";
import { createServer as createHttp2Server } from "node:http2";
import { createServer as createHttpsServer } from "node:https";
import { join } from "node:path";
import { Code, ConnectError, type Interceptor } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AdminServices } from "#testing/admin-services.ts";
import { Ground, words } from "#testing/administered.ts";
import { callCommand, runCommand } from "#testing/command-line.ts";
import { cert, key } from "#testing/localhost-certificate.ts";

/** Over the network an API key is asked for, over the socket none, as the daemon does. */
const keyed: Interceptor = (next) => (request) => {
  if (request.header.get("authorization") === "Bearer good-key") return next(request);
  throw new ConnectError("API key missing or wrong", Code.Unauthenticated);
};
let ground: Ground;
beforeAll(async () => {
  ground = await Ground.make();
});
afterAll(() => ground[Symbol.asyncDispose]());

describe("the way to the server", () => {
  let services: AdminServices;
  let http: string;
  let https: string;
  let h2c: string;

  beforeAll(async () => {
    services = new AdminServices();
    const handler = connectNodeAdapter({ routes: services.routes, interceptors: [keyed] });
    http = `http://127.0.0.1:${await ground.listen(createServer(handler))}`;
    https = `127.0.0.1:${await ground.listen(createHttpsServer({ cert, key }, handler))}`;
    h2c = `http://127.0.0.1:${await ground.listen(createHttp2Server(handler))}`;
  });

  const run = (args: string, env: Record<string, string> = {}) => callCommand(words(args), { ...ground.env, ...env });

  test("is an address and an API key, by flags or environment", async () => {
    const args = ["health", "--address", http, "--api-key", "good-key"];
    expect(await runCommand(args, ground.folder, { env: ground.env })).toMatchObject({ code: 0, stderr: "" });
    const env = { HEADSCALE_CLI_ADDRESS: http, HEADSCALE_CLI_API_KEY: "good-key" };
    expect(await run("health", env)).toMatchObject({ code: 0, stdout: "headscale 9.8.7 is healthy\n" });
  });

  test("is https for a bare host, whose certificate has to be trusted", async () => {
    const untrusted = await run(`health --address ${https} --api-key good-key`);
    expect(untrusted).toMatchObject({ code: 5, stderr: expect.stringContaining("its certificate is not trusted") });
    expect(await run(`health --address ${https} --api-key good-key --insecure`)).toMatchObject({ code: 0 });
    const env = { HEADSCALE_CLI_ADDRESS: https, HEADSCALE_CLI_API_KEY: "good-key", HEADSCALE_CLI_INSECURE: "true" };
    expect(await run("health", env)).toMatchObject({ code: 0 });
    await writeFile(join(ground.folder, "ca.pem"), cert);
    // OpenSSL's variable for what is otherwise the system's own store.
    const known = { ...ground.env, SSL_CERT_FILE: join(ground.folder, "ca.pem") };
    const asked = ["health", "--address", https, "--api-key", "good-key"];
    expect(await runCommand(asked, ground.folder, { env: known })).toMatchObject({ code: 0 });
    // Node reads this one when it starts.
    const trusting = { ...ground.env, NODE_EXTRA_CA_CERTS: join(ground.folder, "ca.pem") };
    const args = ["health", "--address", https, "--api-key", "good-key"];
    expect(await runCommand(args, ground.folder, { env: trusting })).toMatchObject({ code: 0 });
  });

  test("can be gRPC, over the network or the socket", async () => {
    const path = join(ground.folder, "grpc.sock");
    await ground.listen(createHttp2Server(connectNodeAdapter({ routes: services.routes })), path);
    const env = { ...ground.env, HEADSCALE_UNIX_SOCKET: path };
    expect(await run(`node list --address ${h2c} --api-key good-key --grpc -o json`)).toMatchObject({
      code: 0,
      stderr: "",
    });
    expect(await runCommand(["health", "--grpc"], ground.folder, { env })).toMatchObject({ code: 0, stderr: "" });
  });

  test("can lead through a proxy that serves the daemon below a path and over HTTP/1.1 only", async () => {
    const handler: RequestListener = connectNodeAdapter({ routes: services.routes, requestPathPrefix: "/hs" });
    const port = await ground.listen(createServer(handler));
    const args = `--address http://127.0.0.1:${port}/hs/ --api-key k`;
    expect(await run(`${args} watch --after 0`)).toMatchObject({ code: 0 });
  });

  test("can stand in the daemon's configuration file, named or found", async () => {
    const { env } = await ground.administered();
    await writeFile(
      join(ground.folder, "remote.yaml"),
      `cli:\n  address: ${http}\n  api_key: good-key\n  timeout: 10s\n`,
    );
    expect(await run(`health -c ${ground.folder}/remote.yaml`)).toMatchObject({ code: 0 });
    const named = { HEADSCALE_CONFIG: join(ground.folder, "remote.yaml") };
    expect(await run("health", named)).toMatchObject({ code: 0 });
    await writeFile(join(ground.folder, "socket.json"), JSON.stringify({ unix_socket: env.HEADSCALE_UNIX_SOCKET }));
    expect(await run(`health --config ${ground.folder}/socket.json`)).toMatchObject({ code: 0 });
    const found = await mkdtemp(join(ground.folder, "found-"));
    await writeFile(join(found, "config.yaml"), `unix_socket: ${env.HEADSCALE_UNIX_SOCKET}\n`);
    expect(await runCommand(["health"], found)).toMatchObject({ code: 0 });
  });

  test("is the socket below the working directory when nothing is said", async () => {
    const home = await mkdtemp(join(ground.folder, "home-"));
    await mkdir(join(home, "data"));
    await ground.listen(
      createServer(connectNodeAdapter({ routes: services.routes })),
      join(home, "data/headscale.sock"),
    );
    expect(await runCommand(["health"], home)).toMatchObject({ code: 0 });
    expect(await run(`health --address unix://${home}/data/headscale.sock`)).toMatchObject({
      code: 0,
    });
  });

  test("needs a key, and a good one", async () => {
    expect(await run(`health --address ${http}`)).toMatchObject({
      code: 4,
      stderr: expect.stringContaining("--api-key"),
    });
    const wrong = await run(`health --address ${http} --api-key wrong-key`);
    expect(wrong).toEqual({ code: 4, stdout: "", stderr: "Error: API key missing or wrong\n" });
    const broken = await run(`health --address ${http}`, { HEADSCALE_CLI_API_KEY: "böse" });
    expect(broken).toMatchObject({ code: 4, stderr: expect.not.stringContaining("böse") });
  });

  test("says what is wrong with it", async () => {
    const free = createServer();
    const port = await ground.listen(free);
    await new Promise((resolve) => free.close(resolve));
    const nobody = await run(`health --address http://127.0.0.1:${port} --api-key k`);
    expect(nobody).toMatchObject({ code: 5, stderr: `Error: http://127.0.0.1:${port}: nobody listens there\n` });
    expect(await run("health --address ftp://x --api-key k")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("unknown scheme"),
    });
    const plain = await run(`health --address ${http.replace("http://", "")} --api-key k`);
    expect(plain).toMatchObject({ code: 5, stderr: expect.stringContaining("does not speak TLS") });
    const nowhere = await mkdtemp(join(ground.folder, "nowhere-"));
    expect(await runCommand(["health"], nowhere)).toMatchObject({
      code: 5,
      stderr: expect.stringContaining("no daemon listens on ./data/headscale.sock"),
    });
  });

  test("is waited for when this host's daemon is only just starting", async () => {
    const path = join(ground.folder, "late.sock");
    const env = { ...ground.env, HEADSCALE_UNIX_SOCKET: path };
    const running = callCommand(["health"], env);
    // The command has looked and found nothing by the time another has come to its end.
    const gaveUp = await callCommand(["health", "--timeout", "50ms"], env);
    expect(gaveUp).toMatchObject({ code: 5, stderr: expect.stringContaining(`${path} or`) });
    expect(gaveUp.stderr).toContain("after 0.05s (see --timeout)");
    await ground.listen(createServer(connectNodeAdapter({ routes: services.routes })), path);
    expect(await running).toMatchObject({ code: 0, stderr: "" });
  });

  test("gives up on a server that does not answer", async () => {
    const port = await ground.listen(createServer(() => undefined));
    const ran = await run(`health --address http://127.0.0.1:${port} --api-key k --timeout 300ms`);
    expect(ran).toMatchObject({ code: 5, stderr: expect.stringContaining("did not answer in time") });
  });

  test("tells a web server from a daemon", async () => {
    const port = await ground.listen(createServer((_, reply) => reply.writeHead(404).end("<html>")));
    const ran = await run(`health --address http://127.0.0.1:${port} --api-key k`);
    expect(ran).toMatchObject({ code: 7, stderr: expect.stringContaining("answers like no headscale (HTTP 404)") });
  });
});
