import { describe, expect, test } from "vitest";
import { Lab } from "../lab/lab.ts";
import { databases, versions } from "../lab/version-pairs.ts";

const rows = databases.flatMap(({ database }) => versions.map((version) => ({ database, ...version })));

describe.for(rows)("on $database the $version client", ({ database, version }) => {
  test("is told in a sentence why a used, an expired and an unknown key do not let it in", async () => {
    await using lab = await Lab.start();
    const { admin, url } = await lab.server({ database });
    const user = await admin.user("alice");
    const client = await lab.client("n1", version, { url });
    const second = await lab.client("n2", version, { url });

    const oneOff = await admin.key(user);
    await client.join(oneOff);
    await refusal(oneOff, /already.* used|used already/i);

    const expired = await admin.key(user);
    const keys = await admin.headscalectl<{ id: string | number }[]>("preauthkeys", "list");
    const newest = keys.map(({ id }) => Number(id)).sort((a, b) => b - a)[0];
    expect(await admin.cli("preauthkeys", "expire", "-i", String(newest))).toMatchObject({ code: 0 });
    await refusal(expired, /expired/i);

    await refusal(`${oneOff.slice(0, -8)}00000000`, /invalid|unknown|not (valid|known)|no such/i);
    expect((await admin.nodes()).map((node) => node.givenName)).toEqual(["n1"]);

    async function refusal(key: string, why: RegExp) {
      const { code, stderr } = await second.up({ key, timeoutS: 20 });
      expect(code).toBe(1);
      expect(stderr).toMatch(why);
      expect(stderr).not.toContain(key);
    }
  });
});
