import type { DescMethod } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { AdminClients } from "../support/admin-clients.ts";
import { freshName, join } from "../support/admin-ways.ts";
import { contractFiles } from "../support/contract-files.ts";
import { TestDaemon } from "../support/daemon.ts";

let daemon: TestDaemon;
let admin: AdminClients;
const [ours, theirs] = ["ours", "theirs"] as const;
type Namespace = typeof ours | typeof theirs;

/** What there is in a namespace. */
interface Contents {
  readonly user: bigint;
  readonly name: string;
  readonly key: bigint;
  readonly node: bigint;
  readonly revision: bigint;
}
const contents = {} as Record<Namespace, Contents>;

beforeAll(async () => {
  daemon = await TestDaemon.start();
  ({ admin } = daemon);
  for (const tailnet of [ours, theirs]) contents[tailnet] = await fill(tailnet);
});
afterAll(() => daemon?.[Symbol.asyncDispose]());

async function fill(tailnet: Namespace): Promise<Contents> {
  await admin.tailnets.createTailnet({ name: tailnet });
  const { user } = await admin.headscale.createUser({ name: `user-of-${tailnet}`, tailnet });
  const { preAuthKey } = await admin.headscale.createPreAuthKey({ user: user!.id, tailnet });
  const { id } = await join(daemon, { userId: user!.id, tailnet });
  await admin.headscale.setPolicy({ policy: `{"acls": [], "hosts": {"${tailnet}": "10.0.0.1"}}`, tailnet });
  const { revisions } = await admin.policy.listPolicyRevisions({ tailnet });
  return { user: user!.id, name: user!.name, key: preAuthKey!.id, node: id, revision: revisions[0]!.revision };
}

/** Everything that can be seen of a namespace. */
async function picture(tailnet: Namespace): Promise<string> {
  const { changes } = await admin.audit.listChanges({ tailnet, pageSize: 1000 });
  const { revisions } = await admin.policy.listPolicyRevisions({ tailnet });
  const text = (value: unknown) => JSON.stringify(value, (_, part) => (typeof part === "bigint" ? String(part) : part));
  return text([
    (await admin.headscale.listUsers({ tailnet })).users,
    (await admin.headscale.listPreAuthKeys({ tailnet })).preAuthKeys,
    (await admin.headscale.listNodes({ tailnet })).nodes.map(({ lastSeen: _, ...node }) => node),
    changes,
    revisions,
  ]);
}

const auth = `hskey-authreq-${"0".repeat(24)}`;

/** Calls in the name of one namespace about something that is in the other. */
const reaching: Readonly<Record<string, (into: Contents) => Promise<unknown>>> = {
  RenameUser: ({ user }) => admin.headscale.renameUser({ oldId: user, newName: "taken", tailnet: ours }),
  DeleteUser: ({ user }) => admin.headscale.deleteUser({ id: user, tailnet: ours }),
  SetUserRole: ({ user }) => admin.users.setUserRole({ id: user, role: "admin", tailnet: ours }),
  CreatePreAuthKey: ({ user }) => admin.headscale.createPreAuthKey({ user, tailnet: ours }),
  ExpirePreAuthKey: ({ key }) => admin.headscale.expirePreAuthKey({ id: key, tailnet: ours }),
  DeletePreAuthKey: ({ key }) => admin.headscale.deletePreAuthKey({ id: key, tailnet: ours }),
  GetNode: ({ node }) => admin.headscale.getNode({ nodeId: node, tailnet: ours }),
  SetTags: ({ node }) => admin.headscale.setTags({ nodeId: node, tags: ["tag:x"], tailnet: ours }),
  SetApprovedRoutes: ({ node }) =>
    admin.headscale.setApprovedRoutes({ nodeId: node, routes: ["10.0.0.0/8"], tailnet: ours }),
  DeleteNode: ({ node }) => admin.headscale.deleteNode({ nodeId: node, tailnet: ours }),
  ExpireNode: ({ node }) => admin.headscale.expireNode({ nodeId: node, tailnet: ours }),
  RenameNode: ({ node }) => admin.headscale.renameNode({ nodeId: node, newName: "taken", tailnet: ours }),
  PingNode: ({ node }) => admin.nodes.pingNode({ nodeId: node, tailnet: ours }),
  RegisterNode: ({ name }) => admin.headscale.registerNode({ user: name, key: auth, tailnet: ours }),
  AuthRegister: ({ name }) => admin.headscale.authRegister({ user: name, authId: auth, tailnet: ours }),
  DebugCreateNode: ({ name }) => admin.headscale.debugCreateNode({ user: name, key: auth, name: "x", tailnet: ours }),
  ListNodes: ({ name }) => admin.headscale.listNodes({ user: name, tailnet: ours }),
  AuthApprove: () => admin.headscale.authApprove({ authId: auth, tailnet: ours }),
  AuthReject: () => admin.headscale.authReject({ authId: auth, tailnet: ours }),
  GetPolicyRevision: ({ revision }) => admin.policy.getPolicyRevision({ revision, tailnet: ours }),
  RollbackPolicy: ({ revision }) => admin.policy.rollbackPolicy({ revision, tailnet: ours }),
  DiffPolicy: ({ revision }) => admin.policy.diffPolicy({ toRevision: revision, tailnet: ours }),
};

/** Calls that can only be about the namespace that they name, with what they tell of it. */
const confined: Readonly<Record<string, (tailnet: Namespace) => Promise<unknown>>> = {
  ListUsers: (tailnet) => admin.headscale.listUsers({ tailnet }),
  ListPreAuthKeys: (tailnet) => admin.headscale.listPreAuthKeys({ tailnet }),
  ListNodes: (tailnet) => admin.headscale.listNodes({ tailnet }),
  ListChanges: (tailnet) => admin.audit.listChanges({ tailnet }),
  GetTailnet: (tailnet) => admin.tailnets.getTailnet({ tailnet }),
  GetPolicy: (tailnet) => admin.headscale.getPolicy({ tailnet }),
  CheckPolicy: (tailnet) => admin.headscale.checkPolicy({ policy: `{"acls": []}`, tailnet }),
  SetPolicy: async (tailnet) => {
    const { policy } = await admin.headscale.getPolicy({ tailnet });
    return admin.headscale.setPolicy({ policy: `${policy} `, tailnet });
  },
  ListPolicyRevisions: (tailnet) => admin.policy.listPolicyRevisions({ tailnet }),
  TestPolicy: (tailnet) => admin.policy.testPolicy({ tailnet }),
  ExplainPolicy: (tailnet) =>
    admin.policy.explainPolicy({
      tailnet,
      src: `${contents[tailnet].name}@`,
      dst: `${contents[tailnet].name}@`,
      port: 22,
    }),
  BackfillNodeIPs: (tailnet) => admin.headscale.backfillNodeIPs({ confirmed: true, tailnet }),
  Watch: async (tailnet) => {
    for await (const message of admin.watch.watch({ tailnet, afterRevision: 0n })) if (message.change) return message;
    throw new Error("the watch has ended");
  },
  CreateUser: async (tailnet) => {
    const { user } = await admin.headscale.createUser({ name: freshName("extra"), tailnet });
    return admin.headscale.deleteUser({ id: user!.id, tailnet });
  },
  RenameTailnet: async (tailnet) => {
    await admin.tailnets.renameTailnet({ tailnet, newName: `${tailnet}-renamed` });
    return admin.tailnets.renameTailnet({ tailnet: `${tailnet}-renamed`, newName: tailnet });
  },
  DeleteTailnet: (tailnet) =>
    admin.tailnets.deleteTailnet({ tailnet }).then(
      () => "deleted",
      ({ code }) => (code === Code.FailedPrecondition ? "has nodes" : Promise.reject(new Error(Code[code]))),
    ),
};

const methods: readonly DescMethod[] = (await contractFiles()).flatMap(({ services }) =>
  services.flatMap((service) => service.methods),
);

describe("a call that names a namespace", () => {
  test("is tried here, whichever it is", () => {
    const scoped = methods.filter(({ input }) => input.fields.some(({ name }) => name === "tailnet"));
    const tried = new Set([...Object.keys(reaching), ...Object.keys(confined)]);
    expect(scoped.map(({ name }) => name).filter((name) => !tried.has(name))).toEqual([]);
  });

  test.for(Object.entries(reaching))(
    "%s finds nothing that is in another one, and changes nothing there",
    async ([, call]) => {
      const before = await picture(theirs);
      await expect(call(contents[theirs])).rejects.toMatchObject({ code: Code.NotFound });
      expect(await picture(theirs)).toBe(before);
      expect((await admin.headscale.listNodes({ tailnet: ours })).nodes).toHaveLength(1);
    },
  );

  test.for(Object.entries(confined))("%s is about that one alone", async ([, call]) => {
    const before = await picture(theirs);
    const told = JSON.stringify(await call(ours), (_, part) => (typeof part === "bigint" ? String(part) : part)) ?? "";
    expect(told).not.toContain(theirs);
    expect(await picture(theirs)).toBe(before);
  });

  const needsContents = ["DeleteTailnet", "ExplainPolicy"];
  const calls = Object.entries(confined).filter(([name]) => !needsContents.includes(name));
  test.for(calls)("%s says so when there is none of that name", async ([, call]) => {
    await expect(call("nowhere" as Namespace)).rejects.toMatchObject({ code: Code.NotFound });
  });
});

test("lists of all namespaces have everything, each under its name", async () => {
  const { nodes } = await admin.headscale.listNodes({ tailnet: "*" });
  expect(nodes.map(({ id, tailnet }) => [id, tailnet])).toEqual([
    [contents.ours.node, ours],
    [contents.theirs.node, theirs],
  ]);
  const { users } = await admin.headscale.listUsers({ tailnet: "*" });
  expect(new Set(users.map(({ tailnet }) => tailnet))).toEqual(new Set([ours, theirs]));
});
