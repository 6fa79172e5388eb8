import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { Ground } from "#testing/administered.ts";
import { callCommand, runCommand } from "#testing/command-line.ts";

let ground: Ground;
beforeAll(async () => {
  ground = await Ground.make();
});
afterAll(() => ground[Symbol.asyncDispose]());

describe("what headscalectl prints", () => {
  test("is an aligned table that fits a terminal, without what devices smuggle into names", async () => {
    const { ctl } = await ground.administered();
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
    const { services, ctl } = await ground.administered();
    services.nodes.length = 0;
    expect(await ctl("node list")).toEqual({ code: 0, stdout: "", stderr: "No nodes.\n" });
    expect(await ctl("node list -o json")).toEqual({ code: 0, stdout: "[]\n", stderr: "" });
  });

  test("can be all namespaces at once", async () => {
    const { services, ctl } = await ground.administered();
    services.addTailnet("lab");
    services.addNode("probe", "lab", {});
    expect((await ctl("-n lab node list")).stdout.split("\n")).toHaveLength(3);
    expect((await ctl("node list -A")).stdout).toMatch(/^NAMESPACE {3}ID[\s\S]*\nlab {9}4 /);
  });

  test("is the shape of headscale 0.29 for scripts that were written for it", async () => {
    const { env } = await ground.administered();
    const asked = (version: string) =>
      callCommand(["nodes", "list", "-o", "json"], { ...env, HEADSCALE_CLI_JSON: version });
    const [laptop] = JSON.parse((await asked("0.29")).stdout);
    expect(laptop).toMatchObject({ id: 1, given_name: "laptop", user: { name: "alice" }, online: true });
    expect(laptop).not.toHaveProperty("tags");
    expect(await asked("0.17")).toMatchObject({ code: 2, stderr: expect.stringContaining("HEADSCALE_CLI_JSON: 0.29") });
  });

  test.for([
    { format: "json", read: (text: string) => JSON.parse(text) },
    { format: "json-line", read: (text: string) => JSON.parse(text) },
    { format: "yaml", read: (text: string) => parse(text) },
  ])("is the REST API's shape as $format: bare lists, inner objects, string ids", async ({ format, read }) => {
    const { ctl } = await ground.administered();
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
    const { ctl } = await ground.administered();
    expect((await ctl("policy get -o json")).stdout).toMatch(/^\{\n\t"policy": "/);
    expect((await ctl("nodes list -o json-line")).stdout.trimEnd()).not.toContain("\n");
  });

  test.for([
    { format: "json", text: '{\n\t"error": "node not found",\n\t"code": "not-found"\n}\n' },
    { format: "json-line", text: '{"error":"node not found","code":"not-found"}\n' },
    { format: "yaml", text: "error: node not found\ncode: not-found\n" },
  ])("of failures is $format on standard error when that is asked for", async ({ format, text }) => {
    const { ctl } = await ground.administered();
    expect(await ctl(`node show 99 -o ${format}`)).toEqual({ code: 3, stdout: "", stderr: text });
  });

  test("lists a node's routes, one a line", async () => {
    const { ctl } = await ground.administered();
    const list = (await ctl("routes list")).stdout;
    expect(list).toContain("1    laptop    10.0.0.0/8       yes         no         no\n");
    expect(list).toContain("2    printer   192.168.1.0/24   no          yes        no\n");
    expect((await ctl("nodes list-routes -i 1")).stdout).not.toContain("printer");
  });

  test("of a policy's history follows the pages", async () => {
    const { ctl } = await ground.administered();
    const { stdout } = await ctl("policy history");
    expect(stdout).toMatch(/^REVISION .*\n3 \* .* socket .*\n2 .* user:1 .*\n$/);
    expect((await ctl("policy history --limit 1")).stdout.trimEnd().split("\n")).toHaveLength(2);
  });

  test("is its own version without asking a server, and the server's when asked", async () => {
    const { ctl } = await ground.administered();
    const alone = await runCommand(["version", "-o", "json"], ground.folder);
    expect(JSON.parse(alone.stdout)).toMatchObject({
      version: expect.stringMatching(/^\d+\.\d+\.\d+/),
      node: process.version,
    });
    expect((await ctl("version --server")).stdout).toContain("server: headscale 9.8.7");
  });

  test("is what can follow, for shells that complete", async () => {
    const following = async (...args: string[]) =>
      (await runCommand(["--get-yargs-completions", "headscalectl", ...args], ground.folder)).stdout
        .trimEnd()
        .split("\n");
    expect(await following("")).toEqual(expect.arrayContaining(["namespaces", "nodes", "policy"]));
    expect(await following("users", "")).toEqual(expect.arrayContaining(["create", "destroy"]));
    expect(await following("users", "create", "--d")).toContain("--display-name");
    for (const shell of ["bash", "zsh", "fish", "powershell"]) {
      expect((await runCommand(["completion", shell], ground.folder)).stdout).toContain("--get-yargs-completions");
    }
  });

  test("completes in bash what is begun, and what is not", async () => {
    const bin = join(import.meta.dirname, "../../../../node_modules/.bin");
    const replies = async (...typed: string[]) => {
      const script = `eval "$(headscalectl completion bash)"
COMP_WORDS=(headscalectl "$@"); COMP_CWORD=$#; _headscalectl; printf '%s\\n' "\${COMPREPLY[@]}"`;
      const env = { HOME: ground.folder, PATH: `${bin}:${process.env.PATH}` };
      const { stdout } = await promisify(execFile)("bash", ["-c", script, "bash", ...typed], { env });
      return stdout.trimEnd().split("\n");
    };
    expect(await replies("no")).toEqual(["nodes"]);
    expect(await replies("users", "")).toEqual(expect.arrayContaining(["create", "destroy"]));
    expect(await replies("users", "create", "--em")).toEqual(["--email"]);
  });
});
