import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type RequestListener } from "node:http";
import { createServer as createHttp2Server } from "node:http2";
import { createServer as createHttpsServer } from "node:https";
import type { Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Code, ConnectError, type Interceptor } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { AdminServices } from "./testing/admin-services.ts";
import { callCommand, runCommand, startCommand } from "./testing/command-line.ts";
import { cert, key } from "./testing/localhost-certificate.ts";

/** Over the network an API key is asked for, over the socket none, as the daemon does. */
const keyed: Interceptor = (next) => (request) => {
  if (request.header.get("authorization") === "Bearer good-key") return next(request);
  throw new ConnectError("API key missing or wrong", Code.Unauthenticated);
};

const closing: (() => Promise<unknown>)[] = [];
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "headscalectl-"));
  closing.push(() => rm(folder, { recursive: true }));
});

afterAll(async () => {
  for (const close of closing.reverse()) await close();
});

async function listening(server: Server, where: { path: string } | { port: number }): Promise<number> {
  server.listen("path" in where ? where : { ...where, host: "127.0.0.1" });
  await once(server, "listening");
  closing.push(async () => {
    server.close();
    if ("closeAllConnections" in server) (server as ReturnType<typeof createServer>).closeAllConnections();
  });
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

let sockets = 0;

/** A world of its own behind a unix socket, and commands that talk to it. */
async function administered() {
  const services = new AdminServices();
  sockets += 1;
  const path = join(folder, `${sockets}.sock`);
  await listening(createServer(connectNodeAdapter({ routes: services.routes })), { path });
  const env = { HEADSCALE_UNIX_SOCKET: path };
  const ctl = (args: string, input = "") => callCommand(words(args), { ...env, HOME: folder }, input);
  return { services, ctl, env };
}

/** Splits at spaces outside of single quotes. */
function words(line: string): string[] {
  return [...line.matchAll(/'([^']*)'|(\S+)/g)].map((match) => match[1] ?? match[2] ?? "");
}

describe("headscalectl", () => {
  test.for([
    {
      says: "make a namespace",
      args: "namespace create lab",
      stdout: "Namespace created\n",
      asked: ["CreateTailnet", { name: "lab" }],
    },
    {
      says: "destroy an empty one",
      args: "-n default namespace destroy empty",
      stdout: "Namespace destroyed\n",
      asked: ["DeleteTailnet", { tailnet: "empty" }],
    },
    {
      says: "register a waiting machine for a namespace",
      args: "-n empty node register abc",
      stdout: "Node new registered\n",
      asked: ["RegisterNode", { key: "abc", user: "empty", tailnet: "empty" }],
    },
    {
      says: "register it by its page's address for a user",
      args: "nodes register https://hs.example.com/register/abc -u alice",
      stdout: "Node new registered\n",
      asked: ["RegisterNode", { key: "abc", user: "alice", tailnet: "" }],
    },
    {
      says: "make a key for a namespace",
      args: "-n empty preauthkey create --reusable --ephemeral --expiration 24h",
      stdout: "hskey-auth-abcdef-0123456789\n",
      asked: ["CreatePreAuthKey", { user: 3n, reusable: true, ephemeral: true, tailnet: "empty" }],
    },
    {
      says: "take an ephemeral key for a reusable one",
      args: "preauthkeys create --ephemeral",
      stdout: /^hskey-auth/,
      asked: ["CreatePreAuthKey", { user: 1n, reusable: true, ephemeral: true }],
    },
    {
      says: "unless told otherwise",
      args: "preauthkeys create --ephemeral --no-reusable",
      stdout: /^hskey-auth/,
      asked: ["CreatePreAuthKey", { reusable: false, ephemeral: true }],
    },
    {
      says: "make a key for a user by id",
      args: "preauthkeys create -u 2",
      stdout: /^hskey-auth/,
      asked: ["CreatePreAuthKey", { user: 2n, reusable: false }],
    },
    {
      says: "make a key for tags, owned by nobody",
      args: "preauthkeys create --tags tag:a,tag:b --tags tag:c",
      stdout: /^hskey-auth/,
      asked: ["CreatePreAuthKey", { user: 0n, aclTags: ["tag:a", "tag:b", "tag:c"] }],
    },
    {
      says: "add a route to those approved",
      args: "routes enable printer 10.9.0.0/16",
      stdout: "Enabled route 10.9.0.0/16\n",
      asked: ["SetApprovedRoutes", { nodeId: 2n, routes: ["192.168.1.0/24", "10.9.0.0/16"] }],
    },
    {
      says: "take a route away",
      args: "routes disable printer 192.168.1.0/24",
      stdout: "Disabled route 192.168.1.0/24\n",
      asked: ["SetApprovedRoutes", { nodeId: 2n, routes: [] }],
    },
    {
      says: "replace the approved routes",
      args: "nodes approve-routes -i 1 -r 10.0.0.0/8,0.0.0.0/0",
      stdout: "Node updated\n",
      asked: ["SetApprovedRoutes", { nodeId: 1n, routes: ["10.0.0.0/8", "0.0.0.0/0"] }],
    },
    {
      says: "empty them",
      args: "nodes approve-routes -i 2 -r ''",
      stdout: "Node updated\n",
      asked: ["SetApprovedRoutes", { nodeId: 2n, routes: [] }],
    },
    {
      says: "tag a node by name",
      args: "node tag laptop tag:a tag:b",
      stdout: "Node updated\n",
      asked: ["SetTags", { nodeId: 1n, tags: ["tag:a", "tag:b"] }],
    },
    {
      says: "tag a node by id",
      args: "nodes tag -i 1 -t tag:a",
      stdout: "Node updated\n",
      asked: ["SetTags", { nodeId: 1n, tags: ["tag:a"] }],
    },
    {
      says: "rename a node by name",
      args: "node rename laptop desk",
      stdout: "Node renamed\n",
      asked: ["RenameNode", { nodeId: 1n, newName: "desk" }],
    },
    {
      says: "rename a node headscale's way",
      args: "nodes rename desk -i 1",
      stdout: "Node renamed\n",
      asked: ["RenameNode", { nodeId: 1n, newName: "desk" }],
    },
    {
      says: "expire a node by address",
      args: "node expire 100.64.0.2",
      stdout: "Node expired\n",
      asked: ["ExpireNode", { nodeId: 2n, disableExpiry: false }],
    },
    {
      says: "expire a node later",
      args: "machines expire -i 1 -e 2030-01-31T00:00:00Z",
      stdout: "Node expiration updated\n",
      asked: ["ExpireNode", { expiry: { seconds: 1896048000n } }],
    },
    {
      says: "never expire a node",
      args: "node expire laptop -d",
      stdout: "Node expiry disabled\n",
      asked: ["ExpireNode", { disableExpiry: true }],
    },
    {
      says: "delete a node without asking",
      args: "node delete printer --force",
      stdout: "Node deleted\n",
      asked: ["DeleteNode", { nodeId: 2n }],
    },
    {
      says: "make a user",
      args: "users create bob -d 'Bob B' -e bob@example.com",
      stdout: "User created\n",
      asked: ["CreateUser", { name: "bob", displayName: "Bob B", email: "bob@example.com" }],
    },
    {
      says: "remove a user, -n being the name here",
      args: "--force users destroy -n admin",
      stdout: "User destroyed\n",
      asked: ["DeleteUser", { id: 1n, tailnet: "default" }],
    },
    {
      says: "rename a user by name",
      args: "users rename -n alice -r alicia",
      stdout: "User renamed\n",
      asked: ["RenameUser", { oldId: 2n, newName: "alicia" }],
    },
    {
      says: "rename a user by argument",
      args: "users rename alice alicia",
      stdout: "User renamed\n",
      asked: ["RenameUser", { oldId: 2n, newName: "alicia" }],
    },
    {
      says: "give a user a role",
      args: "users set-role alice admin",
      stdout: "User updated\n",
      asked: ["SetUserRole", { id: 2n, role: "admin" }],
    },
    {
      says: "approve a waiting login",
      args: "auth approve --auth-id xyz",
      stdout: "Auth request approved\n",
      asked: ["AuthApprove", { authId: "xyz" }],
    },
    {
      says: "reject one",
      args: "auth reject xyz",
      stdout: "Auth request rejected\n",
      asked: ["AuthReject", { authId: "xyz" }],
    },
    {
      says: "register one",
      args: "auth register --auth-id xyz --user alice",
      stdout: "Node new registered\n",
      asked: ["AuthRegister", { authId: "xyz", user: "alice" }],
    },
    {
      says: "make an API key",
      args: "apikeys create -e 30d",
      stdout: "hskey-api-abcdefabcdef-secret\n",
      asked: ["CreateApiKey", {}],
    },
    {
      says: "expire an API key by prefix",
      args: "apikeys expire -p hskey-api-abcdefabcdef-***",
      stdout: "Key expired\n",
      asked: ["ExpireApiKey", { prefix: "hskey-api-abcdefabcdef-***", id: 0n }],
    },
    {
      says: "delete an API key by id",
      args: "apikeys delete 1",
      stdout: "Key deleted\n",
      asked: ["DeleteApiKey", { prefix: "", id: 1n }],
    },
    {
      says: "fill in addresses",
      args: "nodes backfillips --force",
      stdout: "node 1: added v6\nNode IPs backfilled successfully\n",
      asked: ["BackfillNodeIPs", { confirmed: true }],
    },
    {
      says: "leave a made-up machine waiting",
      args: "debug create-node --name x -u alice -k abc -r 10.0.0.0/8",
      stdout: "Node created\n",
      asked: ["DebugCreateNode", { name: "x", routes: ["10.0.0.0/8"] }],
    },
    {
      says: "ping a node",
      args: "ping laptop",
      stdout: "pong from laptop (100.64.0.1) in 12 ms\n",
      asked: ["PingNode", { nodeId: 1n }],
    },
    { says: "print the policy", args: "policy get -o table", stdout: '{"acls": []}\n', asked: ["GetPolicy", {}] },
    {
      says: "print an earlier policy",
      args: "policy get --revision 2",
      stdout: "{}\n",
      asked: ["GetPolicyRevision", { revision: 2n }],
    },
    {
      says: "put an earlier policy in force",
      args: "policy rollback 2 --if-revision 3",
      stdout: "Policy of revision 2 is in force as 4\n",
      asked: ["RollbackPolicy", { revision: 2n, ifRevision: 3n }],
    },
    {
      says: "explain what is allowed",
      args: "policy explain laptop tag:office:22 --proto tcp",
      stdout: /^Allowed\nRULE {15}ALLOWS/,
      asked: ["ExplainPolicy", { src: "laptop", dst: "tag:office", port: 22, proto: "tcp" }],
    },
    {
      says: "filter the audit log",
      args: "audit list --kind node- --since 2026-01-01 --limit 2",
      stdout: /^TIME .*\n1970-01-01 00:00:02 .* laptop is now called desk\n/,
      asked: ["ListChanges", { kinds: ["node-"], pageSize: 2 }],
    },
    { says: "say that the server is well", args: "health", stdout: "headscale 9.8.7 is healthy\n", asked: undefined },
  ] as const)("can $says", async ({ args, stdout, asked }) => {
    const { services, ctl } = await administered();
    services.addTailnet("empty");
    expect(await ctl(args)).toMatchObject({
      code: 0,
      stdout: typeof stdout === "string" ? stdout : expect.stringMatching(stdout),
    });
    if (asked !== undefined) {
      expect(services.asked.at(-1)?.[0]).toBe(asked[0]);
      expect(services.asked.at(-1)?.[1]).toMatchObject(asked[1]);
    }
  });

  test.for([
    { says: "a command that is none", args: "bogus", code: 2, stderr: "Unknown command or argument: bogus" },
    { says: "a flag that is none", args: "node list --bogus", code: 2, stderr: "Unknown command or argument: bogus" },
    { says: "a noun without a verb", args: "users", code: 2, stderr: "Say what to do with users" },
    { says: "too few arguments", args: "namespace create", code: 2, stderr: "Not enough non-option arguments" },
    { says: "a bad duration", args: "preauthkeys create -e 1month", code: 2, stderr: "--expiration: not a duration" },
    { says: "a bad id", args: "node expire -i x1", code: 2, stderr: "--identifier: not an id" },
    { says: "a node without saying which", args: "node expire", code: 2, stderr: "say which node" },
    { says: "what needs a terminal to confirm", args: "node delete printer", code: 2, stderr: "add --force" },
    {
      says: "a file that is not there",
      args: "policy set -f nowhere.hujson",
      code: 2,
      stderr: "nowhere.hujson: cannot be read (ENOENT)",
    },
    {
      says: "a configuration that is not there",
      args: "-c nowhere.yaml health",
      code: 2,
      stderr: "nowhere.yaml: cannot be read (ENOENT)",
    },
    { says: "a node that is not there", args: "node show nobody", code: 3, stderr: 'no node is called "nobody"' },
    { says: "a node id that is not there", args: "node show 99", code: 3, stderr: "node not found" },
    {
      says: "a user that is not there",
      args: "users destroy nobody --force",
      code: 3,
      stderr: "no user is called nobody",
    },
    {
      says: "a namespace that is not there",
      args: "-n nowhere node list",
      code: 3,
      stderr: 'namespace "nowhere" not found',
    },
    {
      says: "a key that is not there",
      args: "preauthkeys expire hskey-auth-zzz-1",
      code: 3,
      stderr: "there is no such pre-auth key",
    },
    { says: "a node that is not connected", args: "ping printer", code: 5, stderr: "the node is not connected" },
    {
      says: "a name that is taken",
      args: "users create alice",
      code: 6,
      stderr: 'a user named "alice" already exists',
    },
    { says: "to remove a user with nodes", args: "users destroy alice --force", code: 6, stderr: "user not empty" },
    {
      says: "to overwrite another's policy",
      args: "policy set -f - --if-revision 2",
      code: 6,
      stderr: "the policy is at revision 3",
    },
    {
      says: "to compare with a revision that is not there",
      args: "policy diff --from 99",
      code: 3,
      stderr: "revision 99 not found",
    },
  ])("refuses $says", async ({ args, code, stderr }) => {
    const { ctl } = await administered();
    const ran = await ctl(args, "{}");
    expect(ran).toMatchObject({ code, stdout: "", stderr: expect.stringContaining(stderr) });
    expect(ran.stderr).toMatch(/^Error: .*\n$/);
  });

  test("expires a key by the key itself", async () => {
    const { services, ctl } = await administered();
    await ctl("preauthkeys create");
    expect(await ctl("preauthkeys expire hskey-auth-abcdef-0123456789")).toMatchObject({ stdout: "Key expired\n" });
    expect(services.asked.at(-1)).toMatchObject(["ExpirePreAuthKey", { id: 1n }]);
  });

  test("answers with 1 when the answer is no", async () => {
    const { services, ctl } = await administered();
    expect(await ctl("policy check -f -", "nonsense")).toMatchObject({
      code: 1,
      stdout: expect.stringContaining("not an object"),
    });
    expect(await ctl("policy check -f -", "{}")).toMatchObject({ code: 0, stdout: "Policy is valid\n" });
    expect(await ctl("policy test -f -", "failing")).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/FAILED[\s\S]*0 passed, 1 failed\n$/),
    });
    expect(await ctl("policy test")).toMatchObject({ code: 0, stdout: expect.stringContaining("1 passed, 0 failed") });
    expect(await ctl("policy explain laptop printer:23")).toMatchObject({ code: 1 });
    const differing = await ctl("policy diff -f -", "{ }");
    expect(differing).toMatchObject({ code: 1, stdout: expect.stringContaining("+ laptop → printer tcp:631") });
    expect(differing.stdout).toContain("-{}\n+{ }\n");
    expect(await ctl("policy diff -f -", services.policy)).toMatchObject({ code: 0, stdout: "" });
  });

  test("sets a policy from a file and passes warnings on", async () => {
    const { services, ctl } = await administered();
    await writeFile(join(folder, "policy.hujson"), "{ /* mine */ }");
    const ran = await ctl(`policy set -f ${folder}/policy.hujson`);
    expect(ran).toEqual({ code: 0, stdout: "Policy updated.\n", stderr: "Warning: acls[0] allows nothing\n" });
    expect(services.policy).toBe("{ /* mine */ }");
  });
});

describe("what headscalectl prints", () => {
  test("is an aligned table that fits a terminal, without what devices smuggle into names", async () => {
    const { ctl } = await administered();
    const { stdout } = await ctl("node list");
    expect(stdout).toBe(
      [
        "ID   NAME      OWNER                  ADDRESS      STATUS    LAST SEEN   EXPIRES",
        "1    laptop    alice                  100.64.0.1   online    now         never",
        "2    printer   tag:office,tag:paper   100.64.0.2   offline   -           never",
        "3    phonem    alice                  100.64.0.3   expired   -           1d ago",
        "",
      ].join("\n"),
    );
    expect((await ctl("node list -o wide")).stdout).not.toContain("\u001b");
  });

  test("is nothing but a note when there is nothing", async () => {
    const { services, ctl } = await administered();
    services.nodes.length = 0;
    expect(await ctl("node list")).toEqual({ code: 0, stdout: "", stderr: "No nodes.\n" });
    expect(await ctl("node list -o json")).toEqual({ code: 0, stdout: "[]\n", stderr: "" });
  });

  test("can be all namespaces at once", async () => {
    const { services, ctl } = await administered();
    services.addTailnet("lab");
    services.addNode("probe", "lab", {});
    expect((await ctl("-n lab node list")).stdout.split("\n")).toHaveLength(3);
    expect((await ctl("node list -A")).stdout).toMatch(/^NAMESPACE {3}ID[\s\S]*\nlab {9}4 /);
  });

  test.for([
    { format: "json", read: (text: string) => JSON.parse(text) },
    { format: "json-line", read: (text: string) => JSON.parse(text) },
    { format: "yaml", read: (text: string) => parse(text) },
  ])("is the REST API's shape as $format: bare lists, inner objects, string ids", async ({ format, read }) => {
    const { ctl } = await administered();
    const ran = await ctl(`-o ${format} nodes list`);
    expect(ran).toMatchObject({ code: 0, stderr: "" });
    const nodes = read(ran.stdout);
    expect(nodes).toHaveLength(3);
    expect(nodes[0]).toMatchObject({
      id: "1",
      givenName: "laptop",
      lastSeen: null,
      registerMethod: "REGISTER_METHOD_CLI",
    });
    expect(read((await ctl(`node show laptop -o ${format}`)).stdout)).toMatchObject({
      id: "1",
      user: { name: "alice" },
    });
    expect(read((await ctl(`apikeys create --output=${format}`)).stdout)).toBe("hskey-api-abcdefabcdef-secret");
    expect(read((await ctl(`preauthkeys create -o${format}`)).stdout)).toMatchObject({
      key: "hskey-auth-abcdef-0123456789",
    });
    expect(read((await ctl(`namespace create x-${format} -o ${format}`)).stdout)).toMatchObject({
      name: `x-${format}`,
    });
    expect(read((await ctl(`namespace destroy x-${format} -o ${format}`)).stdout)).toEqual({
      Result: "Namespace destroyed",
    });
  });

  test("is indented with tabs as json and one line as json-line", async () => {
    const { ctl } = await administered();
    expect((await ctl("policy get -o json")).stdout).toMatch(/^\{\n\t"policy": "/);
    expect((await ctl("nodes list -o json-line")).stdout.trimEnd()).not.toContain("\n");
  });

  test.for([
    { format: "json", text: '{\n\t"error": "node not found",\n\t"code": "not-found"\n}\n' },
    { format: "json-line", text: '{"error":"node not found","code":"not-found"}\n' },
    { format: "yaml", text: "error: node not found\ncode: not-found\n" },
  ])("of failures is $format on standard error when that is asked for", async ({ format, text }) => {
    const { ctl } = await administered();
    expect(await ctl(`node show 99 -o ${format}`)).toEqual({ code: 3, stdout: "", stderr: text });
  });

  test("lists a node's routes, one a line", async () => {
    const { ctl } = await administered();
    const list = (await ctl("routes list")).stdout;
    expect(list).toContain("1    laptop    10.0.0.0/8       yes         no         no\n");
    expect(list).toContain("2    printer   192.168.1.0/24   no          yes        no\n");
    expect((await ctl("nodes list-routes -i 1")).stdout).not.toContain("printer");
  });

  test("of a policy's history follows the pages", async () => {
    const { ctl } = await administered();
    const { stdout } = await ctl("policy history");
    expect(stdout).toMatch(/^REVISION .*\n3 \* .* socket .*\n2 .* user:1 .*\n$/);
    expect((await ctl("policy history --limit 1")).stdout.trimEnd().split("\n")).toHaveLength(2);
  });

  test("is its own version without asking a server, and the server's when asked", async () => {
    const { ctl } = await administered();
    const alone = await runCommand(["version", "-o", "json"], folder);
    expect(JSON.parse(alone.stdout)).toMatchObject({
      version: expect.stringMatching(/^\d+\.\d+\.\d+/),
      node: process.version,
    });
    expect((await ctl("version --server")).stdout).toContain("server: headscale 9.8.7");
  });

  test("is what can follow, for shells that complete", async () => {
    const following = async (...args: string[]) =>
      (await runCommand(["--get-yargs-completions", "headscalectl", ...args], folder)).stdout.trimEnd().split("\n");
    expect(await following("")).toEqual(expect.arrayContaining(["namespace", "nodes", "policy"]));
    expect(await following("users", "")).toEqual(expect.arrayContaining(["create", "destroy"]));
    expect(await following("users", "create", "--d")).toContain("--display-name");
    for (const shell of ["bash", "zsh", "fish", "powershell"]) {
      expect((await runCommand(["completion", shell], folder)).stdout).toContain("--get-yargs-completions");
    }
  });
});

describe("a watch", () => {
  test("is a line a change", async () => {
    const { services, ctl } = await administered();
    const ran = await ctl("watch --after 0 --kind node- --presence");
    expect(ran.code).toBe(0);
    expect(ran.stdout.trimEnd().split("\n")).toHaveLength(2);
    expect(ran.stdout).toContain("1970-01-01 00:00:01   1       node-renamed           node:1       socket");
    expect(services.asked.at(-1)).toMatchObject(["Watch", { afterRevision: 0n, kinds: ["node-"], presence: true }]);
  });

  test("is a JSON object a line, or a YAML document a change", async () => {
    const { ctl } = await administered();
    const lines = (await ctl("watch --after 0 -o json")).stdout.trimEnd().split("\n");
    expect(lines.map((line) => JSON.parse(line).revision)).toEqual(["1", "2"]);
    expect((await ctl("watch --after 0 -o yaml")).stdout.match(/^---$/gm)).toHaveLength(2);
  });

  test("prints at once and goes on until interrupted, whatever the time limit of calls", async () => {
    const { services, env } = await administered();
    const child = startCommand(["watch", "-A", "--timeout", "200ms"], folder, env);
    let stdout = "";
    child.stdout?.on("data", (chunk) => {
      stdout += chunk;
    });
    await expect.poll(() => stdout.split("\n").length, { timeout: 10_000 }).toBe(3);
    expect(services.watchesOpen).toBe(1);
    child.kill("SIGINT");
    await once(child, "close");
    await expect.poll(() => services.watchesOpen).toBe(0);
  });

  test("goes on when the connection is cut", async () => {
    const services = new AdminServices();
    const handler = connectNodeAdapter({ routes: services.routes });
    let requests = 0;
    const server = createServer((request, response) => {
      requests += 1;
      if (requests > 1) return handler(request, response);
      // One message, of revision 1 and without a change, and then nothing more.
      response.writeHead(200, { "content-type": "application/connect+proto" });
      response.write(Buffer.from([0, 0, 0, 0, 2, 0x10, 1]), () => response.destroy());
    });
    const path = join(folder, "cut.sock");
    await listening(server, { path });
    const ran = await callCommand(["watch", "--after", "0"], { HEADSCALE_UNIX_SOCKET: path, HOME: folder });
    expect(ran).toMatchObject({ code: 0, stderr: expect.stringContaining("the connection was cut; trying again") });
    expect(services.asked).toMatchObject([["Watch", { afterRevision: 1n }]]);
  });

  test("ends quietly when nobody reads on", async () => {
    const { env } = await administered();
    const child = startCommand(["watch", "--after", "0"], folder, env);
    child.stdout?.destroy();
    const [code] = await once(child, "close");
    expect(code).toBe(0);
  });
});

describe("the way to the server", () => {
  let services: AdminServices;
  let http: string;
  let https: string;
  let h2c: string;

  beforeAll(async () => {
    services = new AdminServices();
    const handler = connectNodeAdapter({ routes: services.routes, interceptors: [keyed] });
    http = `http://127.0.0.1:${await listening(createServer(handler), { port: 0 })}`;
    https = `127.0.0.1:${await listening(createHttpsServer({ cert, key }, handler), { port: 0 })}`;
    h2c = `http://127.0.0.1:${await listening(createHttp2Server(handler), { port: 0 })}`;
  });

  const run = (args: string, env: Record<string, string> = {}) => runCommand(words(args), folder, { env });

  test("is an address and an API key, by flags or environment", async () => {
    expect(await run(`health --address ${http} --api-key good-key`)).toMatchObject({ code: 0 });
    const env = { HEADSCALE_CLI_ADDRESS: http, HEADSCALE_CLI_API_KEY: "good-key" };
    expect(await run("health", env)).toMatchObject({ code: 0, stdout: "headscale 9.8.7 is healthy\n" });
  });

  test("is https for a bare host, whose certificate has to be trusted", async () => {
    const untrusted = await run(`health --address ${https} --api-key good-key`);
    expect(untrusted).toMatchObject({ code: 5, stderr: expect.stringContaining("its certificate is not trusted") });
    expect(await run(`health --address ${https} --api-key good-key --insecure`)).toMatchObject({ code: 0 });
    const env = { HEADSCALE_CLI_ADDRESS: https, HEADSCALE_CLI_API_KEY: "good-key", HEADSCALE_CLI_INSECURE: "true" };
    expect(await run("health", env)).toMatchObject({ code: 0 });
    await writeFile(join(folder, "ca.pem"), cert);
    const trusting = { NODE_EXTRA_CA_CERTS: join(folder, "ca.pem") };
    expect(await run(`health --address ${https} --api-key good-key`, trusting)).toMatchObject({ code: 0 });
  });

  test("can be gRPC", async () => {
    const { env } = await administered();
    expect(await run(`node list --address ${h2c} --api-key good-key --grpc -o json`)).toMatchObject({
      code: 0,
      stderr: "",
    });
    expect(await run("health --grpc", env)).not.toMatchObject({ code: 0 });
  });

  test("can lead through a proxy that serves the daemon below a path and over HTTP/1.1 only", async () => {
    const handler: RequestListener = connectNodeAdapter({ routes: services.routes, requestPathPrefix: "/hs" });
    const port = await listening(createServer(handler), { port: 0 });
    const args = `--address http://127.0.0.1:${port}/hs/ --api-key k`;
    expect(await run(`${args} watch --after 0`)).toMatchObject({ code: 0 });
  });

  test("can stand in the daemon's configuration file, named or found", async () => {
    const { env } = await administered();
    await writeFile(join(folder, "remote.yaml"), `cli:\n  address: ${http}\n  api_key: good-key\n  timeout: 10s\n`);
    expect(await run("health -c remote.yaml")).toMatchObject({ code: 0 });
    expect(await run("health", { HEADSCALE_CONFIG: "remote.yaml" })).toMatchObject({ code: 0 });
    await writeFile(join(folder, "socket.json"), JSON.stringify({ unix_socket: env.HEADSCALE_UNIX_SOCKET }));
    expect(await run("health --config socket.json")).toMatchObject({ code: 0 });
    const found = await mkdtemp(join(folder, "found-"));
    await writeFile(join(found, "config.yaml"), `unix_socket: ${env.HEADSCALE_UNIX_SOCKET}\n`);
    expect(await runCommand(["health"], found)).toMatchObject({ code: 0 });
  });

  test("is the socket below the working directory when nothing is said", async () => {
    const home = await mkdtemp(join(folder, "home-"));
    await mkdir(join(home, "data"));
    await listening(createServer(connectNodeAdapter({ routes: services.routes })), {
      path: join(home, "data/headscale.sock"),
    });
    expect(await runCommand(["health"], home)).toMatchObject({ code: 0 });
    expect(await runCommand(["health", "--address", `unix://${home}/data/headscale.sock`], folder)).toMatchObject({
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
    const port = await listening(free, { port: 0 });
    await new Promise((resolve) => free.close(resolve));
    const nobody = await run(`health --address http://127.0.0.1:${port} --api-key k`);
    expect(nobody).toMatchObject({ code: 5, stderr: `Error: http://127.0.0.1:${port}: nobody listens there\n` });
    expect(await run("health --address ftp://x --api-key k")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("unknown scheme"),
    });
    const plain = await run(`health --address ${http.replace("http://", "")} --api-key k`);
    expect(plain).toMatchObject({ code: 5, stderr: expect.stringContaining("does not speak TLS") });
    const nowhere = await mkdtemp(join(folder, "nowhere-"));
    expect(await runCommand(["health"], nowhere)).toMatchObject({
      code: 5,
      stderr: expect.stringContaining("no daemon listens on ./data/headscale.sock"),
    });
  });

  test("gives up on a server that does not answer", async () => {
    const port = await listening(
      createServer(() => undefined),
      { port: 0 },
    );
    const ran = await run(`health --address http://127.0.0.1:${port} --api-key k --timeout 300ms`);
    expect(ran).toMatchObject({ code: 5, stderr: expect.stringContaining("did not answer in time") });
  });

  test("tells a web server from a daemon", async () => {
    const port = await listening(
      createServer((_, reply) => reply.writeHead(404).end("<html>")),
      { port: 0 },
    );
    const ran = await run(`health --address http://127.0.0.1:${port} --api-key k`);
    expect(ran).toMatchObject({ code: 7, stderr: expect.stringContaining("does not offer this") });
  });
});
