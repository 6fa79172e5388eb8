import type { SSHAction } from "@headscale/tailcfg";
import { type NodeId, parseAuthRequestId } from "@headscale/tailnet";
import {
  approveRequest,
  deleteNode,
  openAuthRequest,
  purgeAuthRequests,
  rejectRequest,
} from "@headscale/tailnet/commands";
import { describe, expect, test } from "vitest";
import type { ControlClient } from "../support/control-client.ts";
import { LiveServer } from "../support/live-server.ts";

async function lab(options?: Parameters<typeof LiveServer.start>[0]) {
  const server = await LiveServer.start(options);
  const alice = await server.user("alice");
  return { server, alice, join: (name: string) => server.joined(alice, name) };
}
const post = async (client: ControlClient, path: string, body: unknown) => {
  const { status, body: answer } = await client.request({ method: "POST", path, body });
  return { status, text: answer.toString() };
};

describe("a question to a node", () => {
  test("goes over its map stream and is answered by it", async () => {
    const { server, join } = await lab();
    await using _server = server;
    const a = await join("a");
    await using followed = await a.follow();
    await followed.until((map) => map.self !== undefined, "the first map");
    const reply = await server.control.pings.request(server.nodeOf(a).id, "/echo", "hello", 10_000);
    expect([reply.status, reply.body.toString()]).toEqual([200, "hello"]);
    await server.control.pings.probe(server.nodeOf(a).id, 10_000);
    await expect.poll(() => a.pings.answered).toBe(2);
  });

  test("may be answered with bytes that are no text", async () => {
    const { server, alice } = await lab();
    await using _server = server;
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
    const a = await server.joined(alice, "a", { c2n: () => ({ status: 200, body: bytes }) });
    await using _followed = await a.follow();
    const { body } = await server.control.pings.request(server.nodeOf(a).id, "/debug/pprof/heap", "", 10_000);
    expect(body).toEqual(bytes);
  });

  test("is not answered by another machine that has learned its token", async () => {
    const { server, join } = await lab();
    await using _server = server;
    const [a, thief] = [await join("a"), await join("thief")];
    await using stream = await a.openMap();
    const messages = stream.messages();
    await messages.next();
    const asked = server.control.pings.request(server.nodeOf(a).id, "/echo", "x", 10_000);
    const { value } = await messages.next();
    const path = new URL(value?.PingRequest?.URL ?? "").pathname;
    const raw = Buffer.from("HTTP/1.1 200 OK\r\n\r\nforged");
    expect(await post(thief, path, raw)).toEqual({ status: 404, text: "nobody waits for this answer" });
    expect(await post(a, path, Buffer.from("HTTP/1.1 200 OK\r\n\r\ntrue"))).toMatchObject({ status: 200 });
    expect((await asked).body.toString()).toBe("true");
    expect(await post(a, path, raw)).toMatchObject({ status: 404 });
  });

  test.for([
    { says: "is not connected", code: "not-connected", connect: false },
    { says: "does not answer", code: "timeout", connect: true },
  ])("that $says fails by name", async ({ code, connect }) => {
    const { server, join } = await lab();
    await using _server = server;
    const a = await join("a");
    const stream = connect ? await a.openMap() : undefined;
    await expect(server.control.pings.request(server.nodeOf(a).id, "/echo", "", 50)).rejects.toMatchObject({ code });
    await expect(server.control.pings.probe(99 as NodeId, 50)).rejects.toMatchObject({ code: "not-connected" });
    stream?.close();
  });
});

describe("an SSH connection that has to be checked", () => {
  const policy = `{"acls": [{"action": "accept", "src": ["*"], "dst": ["*:*"]}],
    "ssh": [{"action": "check", "src": ["autogroup:member"], "dst": ["autogroup:self"], "users": ["root"], "checkPeriod": "1h"}]}`;

  async function ssh(text = policy) {
    const { server, join } = await lab({ policy: text });
    const [src, dst] = [await join("src"), await join("dst")];
    const path = `/machine/ssh/action/${server.nodeOf(src).id}/to/${server.nodeOf(dst).id}?local_user=root`;
    const ask = async (by: ControlClient, at = path) => {
      const { status, body } = await by.request({ method: "GET", path: at });
      return { status, action: status === 200 ? (JSON.parse(body.toString()) as SSHAction) : undefined };
    };
    const next = ({ action }: Awaited<ReturnType<typeof ask>>) => {
      const url = new URL(action?.holdAndDelegate ?? "");
      return { path: url.pathname + url.search, id: parseAuthRequestId(url.searchParams.get("auth_id") ?? "") };
    };
    return { server, src, dst, path, ask, next };
  }

  test("is held until somebody approves it, and is not asked about again for the period", async () => {
    const { server, dst, ask, next } = await ssh();
    await using _server = server;
    const first = await ask(dst);
    expect(first.action?.message).toContain(`${server.url}/auth/hskey-authreq-`);
    const { path, id } = next(first);
    const held = ask(dst, path);
    await server.live.execute(approveRequest(id), "test");
    expect((await held).action).toMatchObject({ accept: true });
    expect((await ask(dst)).action).toMatchObject({ accept: true, allowAgentForwarding: true });
  });

  test("is refused when somebody rejects it, and asked about anew the next time", async () => {
    const { server, dst, ask, next } = await ssh();
    await using _server = server;
    const { path, id } = next(await ask(dst));
    const held = ask(dst, path);
    await server.live.execute(rejectRequest(id), "test");
    expect((await held).action).toMatchObject({ reject: true });
    expect((await ask(dst)).action?.holdAndDelegate).toBeTruthy();
  });

  test("is only ever answered to its destination", async () => {
    const { server, src, dst, path, ask, next } = await ssh();
    await using _server = server;
    expect((await ask(src)).status).toBe(401);
    expect((await ask(server.client())).status).toBe(401);
    const delegated = next(await ask(dst));
    await server.live.execute(approveRequest(delegated.id), "test");
    expect((await ask(src, delegated.path)).status).toBe(401);
    for (const wrong of ["99/to/1", "1/to/99", "x/to/y", "-1/to/1", "1e0/to/99"])
      expect((await ask(dst, path.replace(/\d+\/to\/\d+/, wrong))).status).toBe(404);
  });

  test("does not pass on another connection's approval", async () => {
    const { server, dst, ask, next } = await ssh();
    await using _server = server;
    const other = parseAuthRequestId(`hskey-authreq-${"c".repeat(24)}`);
    const purpose = { kind: "ssh-check", src: 77 as NodeId, dst: server.nodeOf(dst).id, login: "root" } as const;
    await server.live.execute(openAuthRequest(other, purpose), "test");
    await server.live.execute(approveRequest(other), "test");
    const { path, id } = next(await ask(dst));
    const answer = await ask(dst, path.replace(id, other));
    expect(answer.action).not.toHaveProperty("accept");
    expect(next(answer).id).not.toBe(other);
  });

  test.for(["", "x", "hskey-authreq-", `hskey-authreq-${"d".repeat(24)}`])(
    "whose id %j nobody knows any more begins anew",
    async (authId) => {
      const { server, dst, path, ask } = await ssh();
      await using _server = server;
      expect((await ask(dst, `${path}&auth_id=${authId}`)).action?.holdAndDelegate).toContain("auth_id=hskey-authreq-");
    },
  );

  test("begins anew once its request has run out", async () => {
    let skew = 0;
    const { server, join } = await lab({ policy, live: { now: () => Date.now() + skew } });
    await using _server = server;
    const [src, dst] = [await join("src"), await join("dst")];
    const path = `/machine/ssh/action/${server.nodeOf(src).id}/to/${server.nodeOf(dst).id}?local_user=root`;
    const ask = async (at: string) =>
      JSON.parse((await dst.request({ method: "GET", path: at })).body.toString()) as SSHAction;
    const url = new URL((await ask(path)).holdAndDelegate ?? "");
    skew = 3_600_000;
    await server.live.execute(purgeAuthRequests, "test");
    const again = new URL((await ask(url.pathname + url.search)).holdAndDelegate ?? "");
    expect(again.searchParams.get("auth_id")).not.toBe(url.searchParams.get("auth_id"));
  });

  test("that was held in vain goes on waiting for the same verdict", async () => {
    const { server, dst, ask, next } = await ssh();
    await using _server = server;
    const { path, id } = next(await ask(dst));
    const held = ask(dst, path);
    await dst.request({ method: "GET", path: "/machine/whoami" });
    // What the end of the hold does: the request wakes and is pending still.
    server.live.feed.publish([{ subject: "auth-request", id } as never]);
    expect(next(await held)).toEqual({ path, id });
  });

  test("is refused when the policy no longer asks for a check", async () => {
    const { server, dst, ask } = await ssh();
    await using _server = server;
    server.setPolicy(`{"acls": []}`);
    expect((await ask(dst)).action).toMatchObject({ reject: true });
  });

  test("has to wait when too much is waiting already", async () => {
    const { server, dst, path } = await ssh();
    await using _server = server;
    Object.assign(server.live.settings, { maxSshChecks: 0 });
    const { status, headers } = await dst.request({ method: "GET", path });
    expect([status, headers["retry-after"]]).toEqual([503, "10"]);
    expect(server.heard.failures).toEqual([]);
  });
});

describe("the small endpoints", () => {
  test.for(["serve", "funnel", "something-new", "constructor", ""])(
    "say in words that %j is not offered",
    async (Feature) => {
      const { server, join } = await lab();
      await using _server = server;
      const a = await join("a");
      const { status, text } = await post(a, "/machine/feature/query", { NodeKey: a.nodeKey, Feature });
      expect(status).toBe(200);
      expect(JSON.parse(text)).toEqual({ Complete: false, Text: expect.stringMatching(/\.$/), ShouldWait: false });
    },
  );

  test("write down what a client says why it leaves", async () => {
    const { server, join } = await lab();
    await using _server = server;
    const a = await join("a");
    const body = { NodeKey: a.nodeKey, Action: "DISCONNECT_NODE", Details: "lunch" };
    expect((await post(a, "/machine/audit-log", body)).status).toBe(200);
    expect(server.heard.audits).toEqual(["a DISCONNECT_NODE lunch"]);
  });

  test.for(["/machine/feature/query", "/machine/audit-log"])(
    "%s knows nobody's node but the machine's own",
    async (path) => {
      const { server, join } = await lab();
      await using _server = server;
      const [a, thief] = [await join("a"), await join("thief")];
      const forged = { NodeKey: a.nodeKey, Feature: "serve", Action: "x", Details: "forged" };
      expect(await post(thief, path, forged)).toEqual({ status: 404, text: "node not found" });
      await server.live.execute(deleteNode(server.nodeOf(a).id), "test");
      expect((await post(a, path, forged)).status).toBe(404);
      expect(server.heard.audits).toEqual([]);
    },
  );

  test.for([
    { method: "POST", path: "/machine/set-dns", status: 501 },
    { method: "PATCH", path: "/machine/set-device-attr", status: 501 },
    { method: "GET", path: "/machine/tka/init/begin", status: 501 },
    { method: "POST", path: "/machine/update-health", status: 200 },
    { method: "GET", path: "/machine/register", status: 501 },
    { method: "GET", path: "/elsewhere", status: 404 },
    { method: "GET", path: "/machine/../../etc/passwd", status: 404 },
  ])("answer $method $path with $status, in plain text", async ({ method, path, status }) => {
    const { server, join } = await lab();
    await using _server = server;
    const answer = await (await join("a")).request({ method, path, body: {}, authority: "unused" });
    expect(answer.status).toBe(status);
    if (status >= 400) expect(answer.body.toString()).not.toContain("<");
  });

  test.for(["/machine/audit-log", "/machine/feature/query", "/machine/update-health", "/machine/c2n/x"])(
    "%s takes no more than a megabyte",
    async (path) => {
      const { server, join } = await lab();
      await using _server = server;
      expect((await post(await join("a"), path, Buffer.alloc((1 << 20) + 1, "x"))).status).toBe(413);
    },
  );
});
