import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromDate, timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, type ConnectRouter } from "@connectrpc/connect";
import { AuditService } from "@headscale/gen/headscale/v1/audit_pb.ts";
import { type Change, ChangeSchema } from "@headscale/gen/headscale/v1/change_pb.ts";
import { HeadscaleService } from "@headscale/gen/headscale/v1/headscale_pb.ts";
import { type Node, NodeSchema, NodeService, RegisterMethod } from "@headscale/gen/headscale/v1/node_pb.ts";
import { type GetPolicyResponseSchema, PolicyService } from "@headscale/gen/headscale/v1/policy_pb.ts";
import { type PreAuthKey, PreAuthKeySchema } from "@headscale/gen/headscale/v1/preauthkey_pb.ts";
import { type Tailnet, TailnetSchema, TailnetService } from "@headscale/gen/headscale/v1/tailnet_pb.ts";
import { type User, UserSchema, UserService } from "@headscale/gen/headscale/v1/user_pb.ts";
import { WatchService } from "@headscale/gen/headscale/v1/watch_pb.ts";

const day = 86_400_000;

/** A small world behind the whole contract: enough of it to see what a command asked for and what it makes of the answer. */
export class AdminServices {
  /** Requests in the order they came, as `Method` and message. */
  readonly asked: [string, object][] = [];
  readonly tailnets: Tailnet[] = [];
  readonly users: User[] = [];
  readonly nodes: Node[] = [];
  readonly keys: PreAuthKey[] = [];
  policy = '{"acls": []}';
  /** The answer to who asks for the policy; tests put others here. */
  policyInForce = (): MessageInitShape<typeof GetPolicyResponseSchema> => ({
    policy: this.policy,
    revision: 3n,
    updatedAt: timestampFromMs(3000),
  });
  watchesOpen = 0;

  constructor() {
    this.addTailnet("default");
    const alice = this.addUser("alice", "default");
    this.addNode("laptop", "default", {
      user: alice,
      online: true,
      availableRoutes: ["10.0.0.0/8", "0.0.0.0/0", "::/0"],
    });
    this.addNode("printer", "default", { tags: ["tag:office", "tag:paper"], approvedRoutes: ["192.168.1.0/24"] });
    this.addNode("phone\u001b[31m", "default", { user: alice, expiry: timestampFromDate(new Date(Date.now() - day)) });
  }

  addTailnet(name: string): Tailnet {
    const id = BigInt(this.tailnets.length + 1);
    const tailnet = create(TailnetSchema, { id, name, revision: 7n, createdAt: timestampFromDate(new Date(0)) });
    this.tailnets.push(tailnet);
    tailnet.defaultOwner = this.addUser(name === "default" ? "admin" : name, name);
    return tailnet;
  }

  addUser(name: string, tailnet: string): User {
    const user = create(UserSchema, { id: BigInt(this.users.length + 1), name, tailnet, role: "member" });
    this.users.push(user);
    return user;
  }

  addNode(name: string, tailnet: string, init: Partial<Node>): Node {
    const id = BigInt(this.nodes.length + 1);
    const key = "0".repeat(64);
    const addresses = { ipAddresses: [`100.64.0.${id}`, `fd7a:115c:a1e0::${id}`] };
    const keys = { machineKey: `mkey:${key}`, nodeKey: `nodekey:${key}` };
    const { $typeName: _, $unknown: __, ...rest } = init;
    const common = { id, name, givenName: name.replace(/[^a-z]/g, ""), tailnet, registerMethod: RegisterMethod.CLI };
    const node = create(NodeSchema, { ...common, ...addresses, ...keys, ...rest });
    this.nodes.push(node);
    return node;
  }

  readonly #note = <T extends object>(method: string, request: T): T => {
    this.asked.push([method, request]);
    const named = "tailnet" in request && typeof request.tailnet === "string" ? request.tailnet : "";
    if (!["", "*"].includes(named) && !this.tailnets.some(({ name }) => name === named)) {
      throw new ConnectError(`namespace "${named}" not found`, Code.NotFound);
    }
    return request;
  };

  readonly #answer = <R>(method: string, request: object, reply: R): R => {
    this.#note(method, request);
    return reply;
  };

  #in<T extends { tailnet: string }>(items: readonly T[], tailnet: string): T[] {
    return items.filter((item) => tailnet === "*" || item.tailnet === (tailnet || "default"));
  }

  #node(id: bigint): Node {
    const node = this.nodes.find((node) => node.id === id);
    if (node === undefined) throw new ConnectError("node not found", Code.NotFound);
    return node;
  }

  readonly routes = (router: ConnectRouter): void => {
    this.#headscale(router);
    this.#ours(router);
  };

  #headscale(router: ConnectRouter): void {
    const note = this.#note;
    const answer = this.#answer;
    router.service(HeadscaleService, {
      createUser: (request) => {
        const { name, tailnet } = note("CreateUser", request);
        if (this.users.some((user) => user.name === name)) {
          throw new ConnectError(`a user named "${name}" already exists`, Code.AlreadyExists);
        }
        return { user: Object.assign(this.addUser(name, tailnet || "default"), { displayName: request.displayName }) };
      },
      listUsers: (request) => {
        const { id, name, tailnet } = note("ListUsers", request);
        const users = this.#in(this.users, tailnet);
        return { users: users.filter((user) => (name === "" || user.name === name) && (id === 0n || user.id === id)) };
      },
      renameUser: (request) => ({ user: { id: note("RenameUser", request).oldId, name: request.newName } }),
      deleteUser: (request) => {
        const { id } = note("DeleteUser", request);
        if (this.nodes.some(({ user }) => user?.id === id)) {
          throw new ConnectError("user not empty: node(s) found", Code.FailedPrecondition);
        }
        this.users.splice(
          this.users.findIndex((user) => user.id === id),
          1,
        );
        return {};
      },
      createPreAuthKey: (request) => {
        const { user, reusable, ephemeral, aclTags, tailnet, expiration } = note("CreatePreAuthKey", request);
        const key = create(PreAuthKeySchema, {
          id: BigInt(this.keys.length + 1),
          key: "hskey-auth-abcdef-0123456789",
          ...{ reusable, ephemeral, aclTags, tailnet: tailnet || "default" },
          ...(expiration && { expiration }),
        });
        const owner = this.users.find(({ id }) => id === user);
        if (owner !== undefined) key.user = owner;
        this.keys.push(create(PreAuthKeySchema, { ...key, key: "hskey-auth-abcdef-***" }));
        return { preAuthKey: key };
      },
      listPreAuthKeys: (request) => ({ preAuthKeys: this.#in(this.keys, note("ListPreAuthKeys", request).tailnet) }),
      expirePreAuthKey: (request) => answer("ExpirePreAuthKey", request, {}),
      deletePreAuthKey: (request) => answer("DeletePreAuthKey", request, {}),
      listNodes: (request) => {
        const { user, tailnet } = note("ListNodes", request);
        return { nodes: this.#in(this.nodes, tailnet).filter((node) => user === "" || node.user?.name === user) };
      },
      getNode: (request) => ({ node: this.#node(note("GetNode", request).nodeId) }),
      registerNode: (request) => ({ node: { name: "new", user: { name: note("RegisterNode", request).user } } }),
      authRegister: (request) => ({ node: { name: "new", user: { name: note("AuthRegister", request).user } } }),
      authApprove: (request) => answer("AuthApprove", request, {}),
      authReject: (request) => answer("AuthReject", request, {}),
      renameNode: (request) => {
        const node = this.#node(note("RenameNode", request).nodeId);
        return { node: Object.assign(node, { givenName: request.newName }) };
      },
      expireNode: (request) => ({ node: this.#node(note("ExpireNode", request).nodeId) }),
      setTags: (request) => ({
        node: Object.assign(this.#node(note("SetTags", request).nodeId), { tags: request.tags }),
      }),
      setApprovedRoutes: (request) => {
        const node = this.#node(note("SetApprovedRoutes", request).nodeId);
        return { node: Object.assign(node, { approvedRoutes: request.routes }) };
      },
      deleteNode: (request) => {
        this.nodes.splice(this.nodes.indexOf(this.#node(note("DeleteNode", request).nodeId)), 1);
        return {};
      },
      backfillNodeIPs: (request) => ({
        changes: note("BackfillNodeIPs", request).confirmed ? ["node 1: added v6"] : [],
      }),
      debugCreateNode: (request) => ({ node: { name: note("DebugCreateNode", request).name } }),
      createApiKey: (request) => answer("CreateApiKey", request, { apiKey: "hskey-api-abcdefabcdef-secret" }),
      listApiKeys: (request) =>
        answer("ListApiKeys", request, { apiKeys: [{ id: 1n, prefix: "hskey-api-abcdefabcdef-***" }] }),
      expireApiKey: (request) => answer("ExpireApiKey", request, {}),
      deleteApiKey: (request) => answer("DeleteApiKey", request, {}),
      getPolicy: (request) => answer("GetPolicy", request, this.policyInForce()),
      setPolicy: (request) => {
        note("SetPolicy", request);
        if (request.ifRevision !== undefined && request.ifRevision !== 3n) {
          throw new ConnectError("the policy is at revision 3", Code.Aborted);
        }
        if (!request.policy.includes("{")) throw notAnObject();
        this.policy = request.policy;
        return { policy: this.policy, revision: 4n, warnings: ["acls[0] allows nothing"] };
      },
      checkPolicy: (request) => {
        if (!note("CheckPolicy", request).policy.includes("{")) {
          throw notAnObject();
        }
        return {};
      },
      health: () => ({ databaseConnectivity: true, version: "9.8.7" }),
    });
  }

  #ours(router: ConnectRouter): void {
    const note = this.#note;
    const answer = this.#answer;
    router.service(TailnetService, {
      createTailnet: (request) => ({ tailnet: this.addTailnet(note("CreateTailnet", request).name) }),
      listTailnets: (request) => answer("ListTailnets", request, { tailnets: this.tailnets }),
      getTailnet: (request) => {
        const { tailnet } = note("GetTailnet", request);
        return { tailnet: this.tailnets.find(({ name }) => name === tailnet) as Tailnet };
      },
      renameTailnet: (request) => ({ tailnet: { name: note("RenameTailnet", request).newName } }),
      deleteTailnet: (request) => {
        const { tailnet } = note("DeleteTailnet", request);
        if (this.#in(this.nodes, tailnet).length > 0) {
          throw new ConnectError("namespace not empty: node(s) found", Code.FailedPrecondition);
        }
        this.tailnets.splice(
          this.tailnets.findIndex(({ name }) => name === tailnet),
          1,
        );
        return {};
      },
    });
    router.service(UserService, { setUserRole: (request) => ({ user: { role: note("SetUserRole", request).role } }) });
    router.service(NodeService, {
      pingNode: (request) => {
        if (!this.#node(note("PingNode", request).nodeId).online) {
          throw new ConnectError("the node is not connected", Code.Unavailable);
        }
        return { latency: { seconds: 0n, nanos: 12_400_000 } };
      },
    });
    router.service(PolicyService, {
      listPolicyRevisions: (request) => {
        const first = note("ListPolicyRevisions", request).pageToken === "";
        return first
          ? { revisions: [{ revision: 3n, current: true, actor: "socket", sizeBytes: 12 }], nextPageToken: "2" }
          : { revisions: [{ revision: 2n, actor: "user:1", sizeBytes: 11 }] };
      },
      getPolicyRevision: (request) => ({
        revision: { revision: note("GetPolicyRevision", request).revision, policy: "{}" },
      }),
      rollbackPolicy: (request) => answer("RollbackPolicy", request, { revision: { revision: 4n } }),
      testPolicy: (request) => {
        const passed = !note("TestPolicy", request).policy.includes("failing");
        return {
          passed,
          results: [{ path: "tests[0]", src: "alice", dst: "tag:office:22", expected: "accept", passed }],
        };
      },
      diffPolicy: (request) => {
        const identical = note("DiffPolicy", request).policy === this.policy;
        if (request.fromRevision === 99n) throw new ConnectError("revision 99 not found", Code.NotFound);
        if (identical) return { identical };
        return {
          unifiedDiff: "--- a\n+++ b\n@@ -1 +1 @@\n-{}\n+{ }\n",
          accessChanges: [{ gained: true, src: "laptop", dst: "printer", what: "tcp:631" }],
        };
      },
      explainPolicy: (request) => {
        const allowed = note("ExplainPolicy", request).port !== 23;
        return { allowed, summary: allowed ? "Allowed" : "Nothing allows it", matches: [{ path: "acls[0]", line: 3 }] };
      },
    });
    router.service(AuditService, {
      listChanges: (request) => answer("ListChanges", request, { changes: [change(2), change(1)] }),
    });
    router.service(WatchService, { watch: (request, context) => this.#watch(note("Watch", request), context.signal) });
  }

  async *#watch(request: { afterRevision?: bigint | undefined }, signal: AbortSignal) {
    this.watchesOpen += 1;
    try {
      yield { revision: 0n };
      yield { revision: 1n, change: change(1) };
      yield { revision: 2n, change: change(2) };
      // With a place to resume from the stream ends, so that a test can see its end.
      if (request.afterRevision === undefined) {
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
      }
    } finally {
      this.watchesOpen -= 1;
    }
  }
}

function change(revision: number): Change {
  return create(ChangeSchema, {
    revision: BigInt(revision),
    tailnet: "default",
    time: timestampFromDate(new Date(revision * 1000)),
    actor: "socket",
    kind: "node-renamed",
    subject: "node:1",
    summary: "laptop is now called desk",
  });
}

function notAnObject(): ConnectError {
  return new ConnectError("parsing HuJSON: not an object\npolicy:1:1: not an object", Code.InvalidArgument);
}
