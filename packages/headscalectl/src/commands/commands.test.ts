import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Ground } from "#testing/administered.ts";

let ground: Ground;
beforeAll(async () => {
  ground = await Ground.make();
});
afterAll(() => ground[Symbol.asyncDispose]());

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
    const { services, ctl } = await ground.administered();
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
    {
      says: "a command that is none",
      args: "bogus",
      code: 2,
      stderr: 'unknown command "bogus"\nSee headscalectl --help',
    },
    { says: "a misspelt command", args: "nodes lsit", code: 2, stderr: 'unknown command "lsit"; did you mean list?' },
    {
      says: "a misspelt alias",
      args: "machnes list",
      code: 2,
      stderr: 'unknown command "machnes"; did you mean machines?',
    },
    {
      says: "a flag that is none",
      args: "node list --bogus",
      code: 2,
      stderr: "unknown flag --bogus\nSee headscalectl node",
    },
    {
      says: "a misspelt flag",
      args: "users list --emial=x",
      code: 2,
      stderr: "unknown flag --emial; did you mean --email?",
    },
    {
      says: "a choice that is none",
      args: "node list -o xml",
      code: 2,
      stderr: '--output: "xml" is not one of table, wide',
    },
    { says: "a flag that is missing", args: "debug create-node", code: 2, stderr: "missing: --name, --user, --key" },
    { says: "no command at all", args: "", code: 2, stderr: "say a command" },
    { says: "a noun without a verb", args: "users", code: 2, stderr: "headscalectl users set-role <user> <role>" },
    {
      says: "too few arguments",
      args: "namespace create",
      code: 2,
      stderr: "write headscalectl namespace create <name>",
    },
    { says: "too many arguments", args: "namespace create a b", code: 2, stderr: '"b" is one argument too many' },
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
    const { ctl } = await ground.administered();
    const ran = await ctl(args, "{}");
    expect(ran).toMatchObject({ code, stdout: "", stderr: expect.stringContaining(stderr) });
    expect(ran.stderr).toMatch(/^Error: .*\n(See headscalectl.* --help\.\n|\n[\s\S]+-h, --help[\s\S]+)?$/);
  });

  test("does not open everything because a text got lost on its way", async () => {
    const { services, ctl } = await ground.administered();
    expect(await ctl("policy set -f -", " \n")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("add --force"),
    });
    expect(services.policy).toBe('{"acls": []}');
    expect(await ctl("policy set -f - --force", "{}")).toMatchObject({ code: 0 });
  });

  test("expires a key by the key itself", async () => {
    const { services, ctl } = await ground.administered();
    await ctl("preauthkeys create");
    expect(await ctl("preauthkeys expire hskey-auth-abcdef-0123456789")).toMatchObject({ stdout: "Key expired\n" });
    expect(services.asked.at(-1)).toMatchObject(["ExpirePreAuthKey", { id: 1n }]);
  });

  test.for([
    { typed: "y\n", code: 0, stdout: "Node deleted\n", left: 2 },
    { typed: "Sure\n", code: 0, stdout: "Node deleted\n", left: 2 },
    { typed: "n\n", code: 1, stdout: "Node not deleted\n", left: 3 },
    { typed: "\n", code: 1, stdout: "Node not deleted\n", left: 3 },
    { typed: "", code: 1, stdout: "Node not deleted\n", left: 3 },
  ])("asks on a terminal before it deletes, and takes $typed for an answer", async ({ typed, code, stdout, left }) => {
    const { services, ctl } = await ground.administered();
    const ran = await ctl("node delete printer", { typed });
    expect(ran).toMatchObject({ code, stdout, stderr: expect.stringContaining("remove the node printer? [y/n]") });
    expect(services.nodes).toHaveLength(left);
  });

  test("answers with 1 when the answer is no", async () => {
    const { services, ctl } = await ground.administered();
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
    const { services, ctl } = await ground.administered();
    await writeFile(join(ground.folder, "policy.hujson"), "{ /* mine */ }");
    const ran = await ctl(`policy set -f ${ground.folder}/policy.hujson`);
    expect(ran).toEqual({
      code: 0,
      stdout: expect.stringMatching(/^Policy updated: revision \d+ is in force\.\n$/),
      stderr: "Warning: acls[0] allows nothing\n",
    });
    expect(services.policy).toBe("{ /* mine */ }");
  });
});
