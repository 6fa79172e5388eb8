import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { freshName, join } from "../support/admin-ways.ts";
import { TestDaemon } from "../support/daemon.ts";
import { ask } from "../support/plain-http.ts";

/**
 * What programs that were written for headscale's REST API send, and what they read of the answer. Sources:
 * tale/headplane 990e1e9 app/server/headscale/api, awlsring/terraform-provider-headscale a9b7837 internal/service.
 */
const policyText = `{"tagOwners": {"tag:web": [], "tag:ci": []}, "acls": [{"action": "accept", "src": ["*"], "dst": ["*:*"]}]}`;
let daemon: TestDaemon;
let apiKey: string;
beforeAll(async () => {
  daemon = await TestDaemon.start();
  apiKey = await daemon.apiKey();
  await daemon.admin.headscale.setPolicy({ policy: policyText });
});
afterAll(() => daemon?.[Symbol.asyncDispose]());

// biome-ignore lint/suspicious/noExplicitAny: the answers are read as programs without types read them.
type Json = any;

interface Said {
  readonly status: number;
  readonly json: Json;
}

async function call(line: string, body?: unknown): Promise<Said> {
  const [method = "", path = ""] = line.split(" ");
  const answer = await ask(daemon.url, {
    method,
    path: `/api/${path}`,
    headers: {
      authorization: `Bearer ${apiKey}`,
      accept: "application/json",
      ...(body !== undefined && { "content-type": "application/json" }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return { status: answer.status, json: JSON.parse(answer.body) };
}

/** What the calls are about: a user with a node. */
async function setting() {
  const name = freshName("user");
  const { user } = await daemon.admin.headscale.createUser({ name });
  const { device, id } = await join(daemon, { userId: user!.id, hostinfo: { RoutableIPs: ["10.3.0.0/24"] } });
  await device.liteUpdate();
  return { name, user: String(user!.id), node: String(id), device };
}
type Setting = Awaited<ReturnType<typeof setting>>;

interface Case {
  readonly says: string;
  readonly asks: (here: Setting) => readonly [line: string, body?: unknown];
  readonly reads: (json: Json, here: Setting) => void;
}

const headplane: readonly Case[] = [
  {
    says: "lists API keys to see that its own is good",
    asks: () => ["GET v1/apikey"],
    reads: ({ apiKeys }) =>
      expect(apiKeys).toEqual(
        expect.arrayContaining([
          expect.objectContaining({ id: expect.stringMatching(/^\d+$/), prefix: expect.any(String), expiration: null }),
        ]),
      ),
  },
  {
    says: "lists nodes",
    asks: () => ["GET v1/node"],
    reads: ({ nodes }, { node, name }) =>
      expect(nodes.find(({ id }: Json) => id === node)).toMatchObject({
        machineKey: expect.stringMatching(/^mkey:/),
        nodeKey: expect.stringMatching(/^nodekey:/),
        discoKey: expect.stringMatching(/^discokey:/),
        ipAddresses: [expect.stringMatching(/^100\./), expect.stringMatching(/^fd7a:/)],
        user: { name },
        expiry: null,
        preAuthKey: { reusable: false, used: true, aclTags: [] },
        createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
        registerMethod: "REGISTER_METHOD_AUTH_KEY",
        givenName: expect.any(String),
        online: false,
        approvedRoutes: [],
        availableRoutes: ["10.3.0.0/24"],
        subnetRoutes: [],
        tags: [],
      }),
  },
  {
    says: "reads one node",
    asks: ({ node }) => [`GET v1/node/${node}`],
    reads: ({ node }, here) => expect(node).toMatchObject({ id: here.node, user: { id: here.user } }),
  },
  {
    says: "renames a node, its name in the path",
    asks: ({ node }) => [`POST v1/node/${node}/rename/renamed-${node}`],
    reads: ({ node }, here) => expect(node.givenName).toBe(`renamed-${here.node}`),
  },
  {
    says: "tags a node",
    asks: ({ node }) => [`POST v1/node/${node}/tags`, { tags: ["tag:web"] }],
    reads: ({ node }) => expect(node.tags).toEqual(["tag:web"]),
  },
  {
    says: "approves routes",
    asks: ({ node }) => [`POST v1/node/${node}/approve_routes`, { routes: ["10.3.0.0/24"] }],
    reads: ({ node }) => expect(node).toMatchObject({ approvedRoutes: ["10.3.0.0/24"] }),
  },
  {
    says: "expires a node, without a body",
    asks: ({ node }) => [`POST v1/node/${node}/expire`],
    reads: ({ node }) => expect(Date.parse(node.expiry)).toBeLessThanOrEqual(Date.now()),
  },
  {
    says: "deletes a node",
    asks: ({ node }) => [`DELETE v1/node/${node}`],
    reads: (json) => expect(json).toEqual({}),
  },
  {
    says: "lists users by name",
    asks: ({ name }) => [`GET v1/user?name=${name}`],
    reads: ({ users }, { user, name }) => expect(users).toMatchObject([{ id: user, name, profilePicUrl: "" }]),
  },
  {
    says: "creates a user with all that it can have",
    asks: ({ name }) => [
      "POST v1/user",
      { name: `${name}-2`, email: "a@b.test", displayName: "A B", pictureUrl: "https://b.test/a.png" },
    ],
    reads: ({ user }, { name }) =>
      expect(user).toMatchObject({
        name: `${name}-2`,
        email: "a@b.test",
        displayName: "A B",
        profilePicUrl: "https://b.test/a.png",
      }),
  },
  {
    says: "renames a user, the name in the path",
    asks: ({ user, name }) => [`POST v1/user/${user}/rename/${name}-new`],
    reads: ({ user }, { name }) => expect(user.name).toBe(`${name}-new`),
  },
  {
    says: "creates a pre-auth key that does not expire",
    asks: ({ user }) => ["POST v1/preauthkey", { user, reusable: true, ephemeral: false, expiration: null }],
    reads: ({ preAuthKey }, { user }) =>
      expect(preAuthKey).toMatchObject({
        key: expect.stringMatching(/^hskey-auth-[0-9a-f]{12}-[0-9a-f]{64}$/),
        user: { id: user },
        reusable: true,
        used: false,
        expiration: null,
      }),
  },
  {
    says: "creates a pre-auth key of tags alone, without a user",
    asks: () => [
      "POST v1/preauthkey",
      { reusable: false, ephemeral: true, expiration: "2099-01-01T00:00:00.000Z", aclTags: ["tag:ci"] },
    ],
    reads: ({ preAuthKey }) =>
      expect(preAuthKey).toMatchObject({
        user: null,
        ephemeral: true,
        aclTags: ["tag:ci"],
        expiration: "2099-01-01T00:00:00Z",
      }),
  },
  {
    says: "lists pre-auth keys, whatever it still adds to the query",
    asks: ({ user }) => [`GET v1/preauthkey?user=${user}`],
    reads: ({ preAuthKeys }, { user }) =>
      expect(preAuthKeys.filter((key: Json) => key.user?.id === user)).toMatchObject([{ used: true }]),
  },
];

const terraform: readonly Case[] = [
  {
    says: "lists the users of one name, to find its own again",
    asks: ({ name }) => [`GET v1/user?name=${name}`],
    reads: ({ users }) => expect(users).toHaveLength(1),
  },
  {
    says: "reads a user by id",
    asks: ({ user }) => [`GET v1/user?id=${user}`],
    reads: ({ users }, { name }) =>
      expect(users).toMatchObject([{ name, createdAt: expect.stringMatching(/Z$/), providerId: "" }]),
  },
  {
    says: "deletes a user who has nothing",
    asks: ({ name }) => ["POST v1/user", { name: `${name}-gone` }],
    reads: ({ user }) => expect(user.id).toMatch(/^\d+$/),
  },
  {
    says: "creates an API key",
    asks: () => ["POST v1/apikey", { expiration: "2099-01-01T00:00:00.000Z" }],
    reads: ({ apiKey }) => expect(apiKey).toMatch(/^hskey-api-/),
  },
  {
    says: "creates a pre-auth key, the user's id as text",
    asks: ({ user }) => [
      "POST v1/preauthkey",
      { user, aclTags: null, ephemeral: true, expiration: "2099-01-01T00:00:00.000Z" },
    ],
    reads: ({ preAuthKey }) => expect(preAuthKey).toMatchObject({ ephemeral: true, reusable: false }),
  },
  {
    says: "filters nodes by the user's name",
    asks: ({ name }) => [`GET v1/node?user=${name}`],
    reads: ({ nodes }, { node }) => expect(nodes.map(({ id }: Json) => id)).toEqual([node]),
  },
  {
    says: "takes all routes back",
    asks: ({ node }) => [`POST v1/node/${node}/approve_routes`, { routes: [] }],
    reads: ({ node }) => expect(node.approvedRoutes).toEqual([]),
  },
];

describe.for([
  { program: "Headplane", cases: headplane },
  { program: "the Terraform provider", cases: terraform },
])("$program", ({ cases }) => {
  test.for(cases)("$says", async ({ asks, reads }) => {
    const here = await setting();
    const { status, json } = await call(...asks(here));
    expect({ status, json }).toMatchObject({ status: 200 });
    reads(json, here);
  });
});

describe("several calls in a row", () => {
  test("let Headplane approve a device, with the same words in query and body", async () => {
    const { name } = await setting();
    const { AuthURL = "" } = await daemon.client().register();
    const key = AuthURL.slice(AuthURL.lastIndexOf("/") + 1);
    const query = new URLSearchParams({ user: name, key });
    const { status, json } = await call(`POST v1/node/register?${query}`, { user: name, key });
    expect([status, json.node?.user?.name]).toEqual([200, name]);
  });

  test("expire and delete a pre-auth key by id", async () => {
    const { user } = await setting();
    const { id } = (await call("POST v1/preauthkey", { user })).json.preAuthKey;
    const listed = async () => (await call("GET v1/preauthkey")).json.preAuthKeys.find((key: Json) => key.id === id);
    expect(await call(`POST v1/preauthkey/expire?user=${user}`, { id })).toEqual({ status: 200, json: {} });
    expect(Date.parse((await listed()).expiration)).toBeLessThanOrEqual(Date.now());
    expect(await call(`DELETE v1/preauthkey?id=${id}`)).toEqual({ status: 200, json: {} });
    expect(await listed()).toBeUndefined();
  });

  test("delete a user by id, and say why one with nodes stays", async () => {
    const { user, name } = await setting();
    const full = await call(`DELETE v1/user/${user}`);
    expect([full.status, full.json.message]).toEqual([expect.any(Number), expect.stringContaining("node")]);
    expect(full.status).toBeGreaterThanOrEqual(400);
    const { id } = (await call("POST v1/user", { name: `${name}-empty` })).json.user;
    expect(await call(`DELETE v1/user/${id}`)).toEqual({ status: 200, json: {} });
  });

  test("expire an API key by its prefix or id", async () => {
    const made = (await call("POST v1/apikey", {})).json.apiKey as string;
    const prefix = made.split("-")[2];
    const own = async () => (await call("GET v1/apikey")).json.apiKeys.find((key: Json) => key.prefix.includes(prefix));
    expect(await call("POST v1/apikey/expire", { prefix })).toEqual({ status: 200, json: {} });
    expect(Date.parse((await own()).expiration)).toBeLessThanOrEqual(Date.now());
    expect((await call("POST v1/apikey/expire", { id: (await own()).id })).status).toBe(200);
  });

  test("read a policy, write it, and are told where a wrong one is wrong", async () => {
    const policy = `// A note.\n${policyText}`;
    const written = await call("PUT v1/policy", { policy });
    const { policy: kept, updatedAt } = written.json;
    expect(written).toMatchObject({ status: 200, json: { policy, updatedAt: expect.stringMatching(/Z$/) } });
    const inForce = { status: 200, json: { policy: kept, updatedAt } };
    expect(await call("GET v1/policy")).toMatchObject(inForce);
    const broken = await call("PUT v1/policy", { policy: "{" });
    expect(broken.status).toBe(400);
    expect(broken.json.message).toMatch(/parsing HuJSON:|parsing policy from bytes:/);
    expect(await call("GET v1/policy")).toMatchObject(inForce);
  });
});

describe("without a policy of its own", () => {
  test("Headplane knows an empty one, and one that is a file, by what it is told", async () => {
    await using empty = await TestDaemon.start();
    await using file = await TestDaemon.start({ policyFile: "{}" });
    const get = async (from: TestDaemon, method: string, body?: string) => {
      const headers = { authorization: `Bearer ${await from.apiKey()}`, "content-type": "application/json" };
      const answer = await ask(from.url, { method, path: "/api/v1/policy", headers, ...(body && { body }) });
      return { status: answer.status, json: JSON.parse(answer.body) };
    };
    const none = await get(empty, "GET");
    expect(none.status >= 500 || none.json.message.includes("acl policy not found")).toBe(true);
    expect(await get(file, "GET")).toMatchObject({ status: 200, json: { policy: "{}", updatedAt: null } });
    const refused = await get(file, "PUT", JSON.stringify({ policy: "{}" }));
    expect(refused.json.message).toContain("update is disabled");
  });
});

test("a body may come in pieces without a length", async () => {
  const name = freshName("chunked");
  const headers = { authorization: `Bearer ${apiKey}`, "content-type": "application/json" };
  const body = new Blob([JSON.stringify({ name })]).stream();
  const init: RequestInit = { method: "POST", headers, body, ...{ duplex: "half" } };
  const answer = await fetch(`${daemon.url}/api/v1/user`, init);
  expect(await answer.json()).toMatchObject({ user: { name } });
});

test.for([
  { says: "no key", authorization: undefined },
  { says: "a key that is not known", authorization: `Bearer hskey-api-${"0".repeat(12)}-${"0".repeat(64)}` },
  { says: "another scheme", authorization: "Basic YTpi" },
])("a program with $says is told that it is not let in", async ({ authorization }) => {
  const headers = authorization === undefined ? {} : { authorization };
  expect((await ask(daemon.url, { path: "/api/v1/node", headers })).status).toBe(401);
});
