import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { Lab } from "../lab/lab.ts";
import { versionPairs } from "../lab/version-pairs.ts";

describe.for(versionPairs)("a $one and a $other client", ({ one, other }) => {
  test("send a file to another node of the same user, and none to a node of somebody else", async () => {
    await using lab = await Lab.start();
    const { admin, url } = await lab.server();
    const alice = await admin.key(await admin.user("alice"), "--reusable");
    const bob = await admin.key(await admin.user("bob"));
    const [n1, n2, n3] = await Promise.all([
      lab.client("n1", one, { url }),
      lab.client("n2", other, { url }),
      lab.client("n3", other, { url }),
    ]);
    await Promise.all([n1.join(alice), n2.join(alice), n3.join(bob)]);
    await Promise.all([n1.peer("n2"), n1.peer("n3")]);

    const content = randomBytes(3_000_000);
    const sent = lab.file("gift.bin", content);
    await n1.tailscale("file", "cp", sent, "n2:");
    const inbox = join(lab.directory, "inbox");
    mkdirSync(inbox);
    await n2.tailscale("file", "get", "--wait", inbox);
    expect(readFileSync(join(inbox, "gift.bin")).equals(content)).toBe(true);

    const refused = await n1.cli("file", "cp", sent, "n3:");
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/owned by (a )?different user/);
  });
});
