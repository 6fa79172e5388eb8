import { describe, expect, test } from "vitest";
import { peersOf } from "../lab/client.ts";
import { Lab } from "../lab/lab.ts";
import { signInLab } from "../lab/sign-in.ts";
import { mixedPairs } from "../lab/version-pairs.ts";

describe.for(mixedPairs)("a $one client that opens a checked SSH connection to a $other one", ({ one, other }) => {
  test("goes on when its owner allows it after signing in, and nobody else can", async () => {
    await using lab = await Lab.start();
    const { server, person } = await signInLab(lab, 600);
    const ssh = [{ action: "check", src: ["autogroup:member"], dst: ["autogroup:self"], users: ["root"] }];
    await server.admin.policy({ acls: [{ action: "accept", src: ["*"], dst: ["*:*"] }], ssh });
    const [n1, n2] = await Promise.all([lab.client("n1", one, server), lab.client("n2", other, server)]);
    const alice = person("alice");
    for (const { client, flags } of [
      { client: n1, flags: [] },
      { client: n2, flags: ["--ssh"] },
    ]) {
      const login = await client.webLogin({ flags });
      await alice.browser.submit(await alice.signIn(login.url), { verdict: "accept" });
      expect(await login.up).toMatchObject({ code: 0 });
    }
    await n1.until("the host keys of n2", (status) => peersOf(status).some((peer) => peer.sshHostKeys?.length));

    const shown = Promise.withResolvers<string>();
    const ended = n1.cliHeard(
      (soFar) => {
        const url = /https?:\/\/\S+\/auth\/\S+/.exec(soFar)?.[0];
        if (url) shown.resolve(url);
      },
      ...["ssh", "root@n2", "exit 7"],
    );
    const url = await shown.promise;
    expect((await person("mallory").signIn(url)).html).toContain("not yours to answer");
    const asked = await alice.signIn(url);
    for (const fact of ["n1", "n2", "root"]) expect(asked.html).toContain(fact);
    await alice.browser.submit(asked, { verdict: "accept" });
    expect(await ended, n2.evidence()).toMatchObject({ code: 7 });
  });
});
