import { MachineKey, NodeKey } from "@headscale/tailcfg/keys";
import { describe, expect, test } from "vitest";
import { createAuthKey } from "#auth-keys/commands.ts";
import { parseAuthRequestId } from "#auth-requests/auth-request.ts";
import { completeRegistration } from "#auth-requests/commands.ts";
import { refusalOf, Server } from "#change/server.fixture.ts";
import { createTailnet } from "#tailnets/commands.ts";
import { createUser } from "#users/commands.ts";
import { register } from "./register.ts";
import type { TailnetWish } from "./registrant.ts";
import { tailnetWishOf, wishedTailnet } from "./tailnet-wish.ts";

const bytes = (n: number) => new Uint8Array(32).fill(n);
const authId = parseAuthRequestId(`hskey-authreq-${"0".repeat(24)}`);

describe("tailnetWishOf", () => {
  test.for([
    { text: undefined, wish: undefined },
    { text: "", wish: undefined },
    { text: "required:", wish: undefined },
    { text: "lab", wish: { name: "lab", required: false } },
    { text: "required: Lab.Example.Test ", wish: { name: "lab.example.test", required: true } },
    { text: "Required:lab", wish: { name: "required:lab", required: false } },
  ])("reads $text", ({ text, wish }) => {
    expect(tailnetWishOf(text)).toEqual(wish);
  });
});

function lab() {
  const server = new Server();
  const tailnet = server.run(createTailnet("lab"));
  const users = { default: server.user("alice"), lab: server.run(createUser({ tailnet: tailnet.id, name: "bob" })) };
  const asked = (wish: TailnetWish) => ({
    machineKey: MachineKey.fromBytes(bytes(1)),
    nodeKey: NodeKey.fromBytes(bytes(1)),
    hostinfo: { Hostname: "managed" },
    ephemeral: false,
    wish,
  });
  const byKey = (into: keyof typeof users, wish: TailnetWish) => {
    const secret = { prefix: `${into}00000000`.slice(0, 12), hash: "h" };
    const { tailnet: id, id: userId } = users[into];
    const terms = { reusable: true, ephemeral: false, tags: [] };
    server.run(createAuthKey({ ...secret, ...terms, tailnet: id, userId }));
    return () => server.run(register({ ...asked(wish), authKey: secret }, authId));
  };
  const byLogin = (into: keyof typeof users, wish: TailnetWish) => () => {
    server.run(register(asked(wish), authId));
    return server.run(completeRegistration({ authId, user: users[into], method: "cli" }));
  };
  return { server, tailnet, ways: { byKey, byLogin } };
}

describe("a managed device", () => {
  const cases = [
    { wish: "required:lab", into: "lab", comes: "accepted" },
    { wish: "required:lab.example.test", into: "lab", comes: "accepted" },
    { wish: "required:example.test", into: "default", comes: "accepted" },
    { wish: "required:default", into: "default", comes: "accepted" },
    { wish: "required:lab", into: "default", comes: "tailnet-refused" },
    { wish: "required:example.test", into: "lab", comes: "tailnet-refused" },
    { wish: "required:elsewhere.com", into: "default", comes: "tailnet-refused" },
    { wish: "elsewhere.com", into: "default", comes: "accepted" },
    { wish: "lab", into: "default", comes: "accepted" },
  ] as const;
  test.for((["byKey", "byLogin"] as const).flatMap((way) => cases.map((one) => ({ way, ...one }))))(
    "that says $wish is, $way into $into, $comes",
    ({ way, wish, into, comes }) => {
      const { server, ways } = lab();
      const wanted = tailnetWishOf(wish);
      expect(refusalOf(ways[way](into, wanted!))).toBe(comes);
      expect(server.world.nodes.size).toBe(comes === "accepted" ? 1 : 0);
    },
  );

  test("that is in the wrong tailnet is told so when it comes back", () => {
    const { server, ways } = lab();
    ways.byKey("default", { name: "lab", required: false })();
    const again = { machineKey: MachineKey.fromBytes(bytes(1)), nodeKey: NodeKey.fromBytes(bytes(1)) };
    const who = { ...again, hostinfo: {}, ephemeral: false, wish: { name: "lab", required: true } };
    expect(refusalOf(() => server.run(register(who, authId)))).toBe("tailnet-refused");
    expect(server.run(register({ ...who, expiry: 1 }, authId)).kind).toBe("expired");
  });

  test("means no tailnet by a suffix when the server has no base domain", () => {
    const { server, tailnet } = lab();
    expect(wishedTailnet(server.world, { name: "", required: true }, "")?.id).not.toBe(tailnet.id);
    expect(wishedTailnet(server.world, { name: "lab", required: true }, "")).toEqual(tailnet);
  });
});
