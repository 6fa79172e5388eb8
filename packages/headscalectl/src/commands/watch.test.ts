import { once } from "node:events";
import { createServer } from "node:http";
import { join } from "node:path";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AdminServices } from "#testing/admin-services.ts";
import { Ground } from "#testing/administered.ts";
import { callCommand, startCommand } from "#testing/command-line.ts";

let ground: Ground;
beforeAll(async () => {
  ground = await Ground.make();
});
afterAll(() => ground[Symbol.asyncDispose]());

describe("a watch", () => {
  test("is a line a change", async () => {
    const { services, ctl } = await ground.administered();
    const ran = await ctl("watch --after 0 --kind node- --presence");
    expect(ran.code).toBe(0);
    expect(ran.stdout.trimEnd().split("\n")).toHaveLength(2);
    expect(ran.stdout).toContain("1970-01-01 00:00:01   1       node-renamed           node:1       socket");
    expect(services.asked.at(-1)).toMatchObject(["Watch", { afterRevision: 0n, kinds: ["node-"], presence: true }]);
  });

  test("is a JSON object a line, or a YAML document a change", async () => {
    const { ctl } = await ground.administered();
    const lines = (await ctl("watch --after 0 -o json")).stdout.trimEnd().split("\n");
    expect(lines.map((line) => JSON.parse(line).revision)).toEqual(["1", "2"]);
    expect((await ctl("watch --after 0 -o yaml")).stdout.match(/^---$/gm)).toHaveLength(2);
  });

  test("prints at once and goes on until interrupted, whatever the time limit of calls", async () => {
    const { services, env } = await ground.administered();
    const child = startCommand(["watch", "-A", "--timeout", "200ms"], ground.folder, env);
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
    const path = join(ground.folder, "cut.sock");
    await ground.listen(server, path);
    const ran = await callCommand(["watch", "--after", "0"], { ...ground.env, HEADSCALE_UNIX_SOCKET: path });
    expect(ran).toMatchObject({ code: 0, stderr: expect.stringContaining("the connection was cut; trying again") });
    expect(services.asked).toMatchObject([["Watch", { afterRevision: 1n }]]);
  });

  test("ends quietly when nobody reads on", async () => {
    const { env } = await ground.administered();
    const child = startCommand(["watch", "--after", "0"], ground.folder, env);
    child.stdout?.destroy();
    const [code] = await once(child, "close");
    expect(code).toBe(0);
  });
});
