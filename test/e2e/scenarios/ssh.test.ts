import { describe, expect, test } from "vitest";
import { Lab } from "../lab/lab.ts";
import { until } from "../lab/until.ts";
import { versionPairs } from "../lab/version-pairs.ts";

const everything = { action: "accept", src: ["*"], dst: ["*:*"] };

describe.for(versionPairs)("a $one and a $other client", ({ one, other }) => {
  test("log in by Tailscale SSH where the policy allows it, as the users it allows", async () => {
    await using lab = await Lab.start();
    const { admin, url } = await lab.server({ config: { policy: { mode: "database" } } });
    const key = await admin.key(await admin.user("alice"), "--reusable");
    await admin.policy({ acls: [everything], ssh: [] });
    const [n1, n2] = await Promise.all([lab.client("n1", one, { url }), lab.client("n2", other, { url })]);
    await Promise.all([n1.join(key), n2.join(key, "--ssh")]);
    await n1.peer("n2");
    await n1.ping(await n2.address(), { via: "direct" });

    const rule = { action: "accept", src: ["autogroup:member"], dst: ["autogroup:self"], users: ["root"] };
    await admin.policy({ acls: [everything], ssh: [rule] });
    await until({
      what: "n1 to get a shell on n2, whose exit status comes back",
      withinMs: 10_000,
      probe: async () => {
        const { code, stderr } = await n1.cli("ssh", "root@n2", "exit 7");
        if (code !== 7) throw new Error(`ended with ${code}: ${stderr}`);
        return true;
      },
      evidence: () => n2.evidence(),
    });
    expect(await n1.cli("ssh", "nobody@n2", "true")).toMatchObject({ code: 255 });

    await admin.policy({ acls: [everything], ssh: [] });
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
