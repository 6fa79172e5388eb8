import { describe, expect, test } from "vitest";
import { type Client, peersOf } from "../lab/client.ts";
import { Lab } from "../lab/lab.ts";
import { type Outcome, succeeded } from "../lab/process.ts";
import { commandOn } from "../lab/registration-page.ts";
import type { Server } from "../lab/server.ts";
import { until } from "../lab/until.ts";
import { mixedPairs, versionPairs } from "../lab/version-pairs.ts";

const acls = [{ action: "accept", src: ["*"], dst: ["*:*"] }];
const rule = { src: ["autogroup:member"], dst: ["autogroup:self"], users: ["root", "nobody"] };

describe.for(versionPairs)("a $one and a $other client", ({ one, other }) => {
  test("log in by Tailscale SSH where the policy allows it, as the users it allows", async () => {
    await using lab = await Lab.start();
    const { server, n1, n2 } = await twoDevices(lab, one, other, []);

    await server.admin.policy({ acls, ssh: [{ ...rule, action: "accept", users: ["root"] }] });
    await answered("n1 to get a shell on n2, whose exit status comes back", ["root@n2", "exit 7"], 7);
    expect(await n1.cli("ssh", "nobody@n2", "true")).toMatchObject({ code: 255 });

    await server.admin.policy({ acls, ssh: [] });
    await answered("n2 to refuse n1", ["root@n2", "true"], 255);

    function answered(what: string, command: readonly string[], status: number): Promise<true> {
      return until({
        what,
        withinMs: 10_000,
        probe: async () => {
          const { code, stderr } = await n1.cli("ssh", ...command);
          if (code !== status) throw new Error(`status ${code}: ${stderr}`);
          return true;
        },
        evidence: () => n2.evidence(),
      });
    }
  });
});

describe.for(mixedPairs)("a $one client that logs in to a $other one by Tailscale SSH", ({ one, other }) => {
  test("waits at a check for an administrator's word, and after a yes is not asked again", async () => {
    await using lab = await Lab.start();
    const check = { ...rule, action: "check", checkPeriod: "1h" };
    const { server, n1, n2 } = await twoDevices(lab, one, other, [check]);

    const first = await checkedLogin(server, n1, "root@n2");
    succeeded(await server.admin.shell(commandOn(await server.page(first.url), "approve")));
    expect(await first.ended, n2.evidence()).toMatchObject({ code: 7 });

    const second = await n1.cli("ssh", "root@n2", "exit 7");
    expect(second).toMatchObject({ code: 7 });
    expect(second.stderr).not.toContain(server.url);

    // A yes is for one login name.
    const third = await checkedLogin(server, n1, "nobody@n2");
    const authId = third.url.slice(third.url.lastIndexOf("/") + 1);
    succeeded(await server.admin.cli("auth", "reject", "--auth-id", authId));
    const { code, stderr } = await third.ended;
    expect(code).toBe(255);
    expect(stderr).toContain("rejected");
  });
});

async function twoDevices(lab: Lab, one: Client["options"]["version"], other: typeof one, ssh: readonly object[]) {
  const server = await lab.server({ config: { policy: { mode: "database" } } });
  const { admin, url } = server;
  const key = await admin.key(await admin.user("alice"), "--reusable");
  await admin.policy({ acls, ssh });
  const [n1, n2] = await Promise.all([lab.client("n1", one, { url }), lab.client("n2", other, { url })]);
  await Promise.all([n1.join(key), n2.join(key, "--ssh")]);
  await n1.until("the host keys of n2", (status) => peersOf(status).some((peer) => peer.sshHostKeys?.length));
  await n1.ping(await n2.address(), { via: "direct" });
  return { server, n1, n2 };
}

/** A login that has shown the address where its check is answered. */
async function checkedLogin(
  { url }: Server,
  from: Client,
  target: string,
): Promise<{ url: string; ended: Promise<Outcome> }> {
  const shown = Promise.withResolvers<string>();
  const ended = from.cliHeard(
    (soFar) => {
      const found = soFar.match(/https?:\/\/\S+\/auth\/\S+/)?.[0];
      if (found?.startsWith(url)) shown.resolve(found);
    },
    "ssh",
    target,
    "exit 7",
  );
  const early = ended.then(({ code, stderr }) => {
    throw new Error(`ssh ended with ${code} before it showed an address: ${stderr}`);
  });
  return { url: await Promise.race([shown.promise, early]), ended };
}
