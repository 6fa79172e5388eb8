import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join as path } from "node:path";
import { Code } from "@connectrpc/connect";
import { beforeAll, describe, expect, test } from "vitest";
import type { AdminClients } from "../support/admin-clients.ts";
import { adminWays, freshName, join } from "../support/admin-ways.ts";
import { TestDaemon } from "../support/daemon.ts";

const open = `{"acls": [{"action": "accept", "src": ["*"], "dst": ["*:*"]}]}`;
const closed = `// nobody\n{"acls": []}\n`;

/** Texts that are refused, with what the refusal has to say. */
const broken = [
  { says: "is no HuJSON", policy: `{\n  "acls": [\n`, message: /^parsing HuJSON: .*\n.*policy:3:/s },
  { says: "is empty braces cut short", policy: "{", message: /^parsing HuJSON: / },
  { says: "has an unknown field", policy: `{"acl": []}`, message: /acl/ },
  {
    says: "has an action that does not exist",
    policy: `{"acls": [{"action": "drop", "src": ["*"], "dst": ["*:*"]}]}`,
    message: /action|drop/,
  },
  {
    says: "names a group that it does not define",
    policy: `{"acls": [{"action": "accept", "src": ["group:x"], "dst": ["*:*"]}]}`,
    message: /group:x/,
  },
  {
    says: "names a tag that nobody owns",
    policy: `{"acls": [{"action": "accept", "src": ["tag:x"], "dst": ["*:*"]}]}`,
    message: /tag:x/,
  },
  {
    says: "has a port too many",
    policy: `{"acls": [{"action": "accept", "src": ["*"], "dst": ["*:70000"]}]}`,
    message: /70000|port/,
  },
  {
    says: "fails its own tests",
    policy: `{"acls": [], "tests": [{"src": "100.64.0.1", "accept": ["100.64.0.2:22"]}]}`,
    message: /test/i,
  },
] as const;

describe.for(adminWays)("policies, $way", ({ open: openWay }) => {
  let admin: AdminClients;
  let daemon: TestDaemon;
  beforeAll(async () => {
    daemon = await TestDaemon.start();
    admin = await openWay(daemon);
    await admin.headscale.createUser({ name: "alice" });
    return () => daemon[Symbol.asyncDispose]();
  });

  test("are not found before one is set", async () => {
    const tailnet = freshName("lab");
    await admin.tailnets.createTailnet({ name: tailnet });
    const none = { code: Code.NotFound, rawMessage: expect.stringContaining("acl policy not found") };
    await expect(admin.headscale.getPolicy({ tailnet })).rejects.toMatchObject(none);
    await expect(admin.policy.getPolicyRevision({ tailnet })).rejects.toMatchObject({ code: Code.NotFound });
    expect((await admin.policy.listPolicyRevisions({ tailnet })).revisions).toEqual([]);
  });

  test("are kept byte for byte", async () => {
    const policy = `// ä €\r\n{\t"acls": [],\n}\n\n`;
    const set = await admin.headscale.setPolicy({ policy });
    expect(set.policy).toBe(policy);
    expect(await admin.headscale.getPolicy({})).toMatchObject({
      policy,
      revision: set.revision,
      updatedAt: set.updatedAt,
    });
  });

  test.for(broken)("are refused whose text $says, and change nothing", async ({ policy, message }) => {
    await admin.headscale.setPolicy({ policy: open });
    const refusal = { code: Code.InvalidArgument, rawMessage: expect.stringMatching(message) };
    await expect(admin.headscale.checkPolicy({ policy })).rejects.toMatchObject(refusal);
    await expect(admin.headscale.setPolicy({ policy })).rejects.toMatchObject(refusal);
    expect((await admin.headscale.getPolicy({})).policy).toBe(open);
  });

  test("are checked without effect", async () => {
    await admin.headscale.setPolicy({ policy: open });
    await admin.headscale.checkPolicy({ policy: closed });
    expect((await admin.headscale.getPolicy({})).policy).toBe(open);
  });

  test("come with warnings of what is allowed but hardly meant", async () => {
    const ends = `"src": ["autogroup:member"], "dst": ["autogroup:self"], "users": ["root"]`;
    const policy = `{\n"ssh": [{"action": "accept", ${ends}, "checkPeriod": "1h"}]}`;
    const warnings = ['line 2: checkPeriod has no effect with action "accept"'];
    expect(await admin.headscale.checkPolicy({ policy })).toMatchObject({ warnings });
    expect(await admin.headscale.setPolicy({ policy })).toMatchObject({ warnings });
    expect(await admin.headscale.setPolicy({ policy: open })).toMatchObject({ warnings: [] });
  });

  test("take effect on devices at once", async () => {
    await admin.headscale.setPolicy({ policy: open });
    const [viewer, other] = [await join(daemon), await join(daemon)];
    await using map = await viewer.device.follow();
    await map.until(({ peers }) => peers.has(Number(other.id)), "the other is seen");
    await admin.headscale.setPolicy({ policy: closed });
    await map.until(({ peers }) => !peers.has(Number(other.id)), "the other is hidden");
  });

  test("are set only over the revision that was read, when that is asked for", async () => {
    const { revision } = await admin.headscale.setPolicy({ policy: open });
    const next = await admin.headscale.setPolicy({ policy: closed, ifRevision: revision });
    expect(next.revision).toBeGreaterThan(revision);
    const late = admin.headscale.setPolicy({ policy: open, ifRevision: revision });
    await expect(late).rejects.toMatchObject({ code: Code.Aborted });
    const first = admin.headscale.setPolicy({ policy: open, ifRevision: 0n });
    await expect(first).rejects.toMatchObject({ code: Code.Aborted });
  });

  test("have a history that is paged, read and gone back to", async () => {
    const texts = [open, closed, `${open}\n`];
    const set: bigint[] = [];
    for (const policy of texts) set.push((await admin.headscale.setPolicy({ policy })).revision);
    const pages: bigint[] = [];
    for (let pageToken = ""; pages.length < 3; ) {
      const page = await admin.policy.listPolicyRevisions({ pageSize: 1, pageToken });
      expect(page.revisions).toHaveLength(1);
      expect(page.revisions[0]).toMatchObject({ policy: "", current: pages.length === 0 });
      pages.push(page.revisions[0]!.revision);
      pageToken = page.nextPageToken;
    }
    expect(pages).toEqual(set.toReversed());
    const { revision } = await admin.policy.getPolicyRevision({ revision: set[1]! });
    expect(revision).toMatchObject({
      policy: closed,
      current: false,
      sizeBytes: closed.length,
      sha256: createHash("sha256").update(closed).digest("hex"),
      actor: expect.stringMatching(/^(socket|api-key:[0-9a-f]{12})$/),
    });
    const back = await admin.policy.rollbackPolicy({ revision: set[1]!, ifRevision: set[2]! });
    expect(back.revision).toMatchObject({ policy: closed, current: true });
    expect(await admin.headscale.getPolicy({})).toMatchObject({ policy: closed, revision: back.revision!.revision });
    const calls = [
      admin.policy.getPolicyRevision({ revision: 999_999n }),
      admin.policy.rollbackPolicy({ revision: 999_999n }),
      admin.policy.diffPolicy({ fromRevision: 999_999n }),
    ];
    for (const call of calls) await expect(call).rejects.toMatchObject({ code: Code.NotFound });
    const stale = admin.policy.rollbackPolicy({ revision: set[1]!, ifRevision: set[0]! });
    await expect(stale).rejects.toMatchObject({ code: Code.Aborted });
    const token = admin.policy.listPolicyRevisions({ pageToken: "x" });
    await expect(token).rejects.toMatchObject({ code: Code.InvalidArgument });
  });

  test("tell the outcome of their own tests as an answer", async () => {
    await admin.headscale.setPolicy({ policy: open });
    const { node } = await admin.headscale.getNode({ nodeId: (await join(daemon)).id });
    const address = node!.ipAddresses[0]!;
    const policy = (port: number) => `{
      "acls": [{"action": "accept", "src": ["*"], "dst": ["*:${port}"]}],
      "tests": [{"src": "${address}", "proto": "tcp", "accept": ["${address}:22"], "deny": ["${address}:23"]}],
    }`;
    const said = { path: "tests[0]", line: 3, src: address, proto: "tcp" };
    const rule = { path: "acls[0]", line: 2, src: node!.givenName, dst: node!.givenName };
    expect(await admin.policy.testPolicy({ policy: policy(22) })).toMatchObject({
      passed: true,
      results: [
        { ...said, dst: `${address}:22`, expected: "accept", got: "accept", passed: true, message: "", match: rule },
        { ...said, dst: `${address}:23`, expected: "deny", got: "deny", passed: true, match: { allows: false } },
      ],
    });
    const reason = "comes nearest: the rule is for other ports";
    const denied = { expected: "accept", got: "deny", passed: false, match: { ...rule, allows: false, reason } };
    const allowed = { expected: "deny", got: "accept", passed: false, match: { ...rule, allows: true } };
    expect(await admin.policy.testPolicy({ policy: policy(23) })).toMatchObject({
      passed: false,
      results: [{ ...denied, message: expect.stringContaining(`acls[0] (line 2) ${reason}`) }, allowed],
    });
    const impossible = `{"tests": [{"src": "tag:none", "accept": ["${address}:22"]}]}`;
    expect((await admin.policy.testPolicy({ policy: impossible })).results).toMatchObject([
      { expected: "", got: "", message: 'src: tag not found: "tag:none"', passed: false },
    ]);
    const unreadable = admin.policy.testPolicy({ policy: "{" });
    await expect(unreadable).rejects.toMatchObject({ code: Code.InvalidArgument });
  });

  test("explain who may reach whom, and tell what a change would give and take", async () => {
    await admin.headscale.setPolicy({ policy: open });
    const named = async () => (await admin.headscale.getNode({ nodeId: (await join(daemon)).id })).node!.givenName;
    const [src, dst] = [await named(), await named()];
    expect(await admin.policy.explainPolicy({ src, dst, port: 22, proto: "tcp" })).toMatchObject({ allowed: true });
    expect(await admin.policy.explainPolicy({ src, dst, port: 22, proto: "tcp", policy: closed })).toMatchObject({
      allowed: false,
    });
    const nobody = admin.policy.explainPolicy({ src: "nobody-there", dst });
    await expect(nobody).rejects.toMatchObject({ code: Code.InvalidArgument });
    const same = await admin.policy.diffPolicy({ policy: open });
    expect(same).toMatchObject({ identical: true, unifiedDiff: "", accessChanges: [] });
    const taken = await admin.policy.diffPolicy({ policy: closed });
    expect(taken.identical).toBe(false);
    expect(taken.unifiedDiff).toContain("-{");
    expect(taken.accessChanges.map(({ gained }) => gained)).toContain(false);
    const { node } = await admin.headscale.getNode({ nodeId: (await join(daemon)).id });
    const [self, users] = [node!.ipAddresses[0], `"users": ["root"]`];
    await admin.headscale.setPolicy({ policy: `{"acls": []}` });
    const opened = await admin.policy.diffPolicy({
      policy: `{
        "acls": [{"action": "accept", "src": ["${self}"], "dst": ["${self}:22"], "proto": "tcp"}],
        "ssh": [{"action": "check", "src": ["autogroup:member"], "dst": ["autogroup:self"], ${users}}],
      }`,
    });
    const name = node!.givenName;
    expect(opened.accessChanges).toMatchObject(
      expect.arrayContaining([
        expect.objectContaining({ gained: true, src: name, dst: name, what: "tcp:22" }),
        expect.objectContaining({ gained: true, dst: name, what: "ssh:root (check)" }),
      ]),
    );
    const lines = opened.accessChanges.map((change) => [change.src, change.dst, change.what].join());
    expect(new Set(lines).size).toBe(lines.length);
  });
});

describe("a policy in a file", () => {
  test("is read-only: it has no time and no revision, and says so when it is set", async () => {
    await using daemon = await TestDaemon.start({ policyFile: open });
    const { headscale, policy } = daemon.admin;
    const got = await headscale.getPolicy({});
    expect(got).toMatchObject({ policy: open, revision: 0n });
    expect(got.updatedAt).toBeUndefined();
    const disabled = { code: Code.FailedPrecondition, rawMessage: expect.stringContaining("update is disabled") };
    await expect(headscale.setPolicy({ policy: closed })).rejects.toMatchObject(disabled);
    await headscale.checkPolicy({ policy: closed });
    expect((await policy.listPolicyRevisions({})).revisions).toEqual([]);
  });

  test("is read again when asked; one that does not hold leaves the one before in force and is logged with its place", async () => {
    await using daemon = await TestDaemon.start({ policyFile: open });
    const file = path(daemon.folder, "policy.hujson");
    const { headscale } = daemon.admin;
    writeFileSync(file, `{\n"acls": oops}`);
    await daemon.daemon.reload();
    expect((await headscale.getPolicy({})).policy).toBe(open);
    expect(daemon.log.join("\n")).toMatch(/policy refused.*policy\.hujson:2:9: /s);
    writeFileSync(file, closed);
    await daemon.daemon.reload();
    expect((await headscale.getPolicy({})).policy).toBe(closed);
  });

  test("is the default namespace's alone: the others keep theirs in the database", async () => {
    await using daemon = await TestDaemon.start({ policyFile: open });
    const { headscale, tailnets } = daemon.admin;
    await tailnets.createTailnet({ name: "lab" });
    await headscale.setPolicy({ policy: closed, tailnet: "lab" });
    expect((await headscale.getPolicy({ tailnet: "lab" })).policy).toBe(closed);
    expect((await headscale.getPolicy({})).policy).toBe(open);
  });
});
