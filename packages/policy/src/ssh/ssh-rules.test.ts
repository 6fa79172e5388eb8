import type { Addr } from "@headscale/netip";
import { describe, expect, test } from "vitest";
import { parsePolicy } from "#syntax/parse-policy.ts";
import { compilePolicy } from "../compile-policy.ts";
import type { PolicyNode } from "../engine.ts";
import { sshUserAllowed } from "./ssh-rules.ts";

const node = (id: number, rest: Partial<PolicyNode>): PolicyNode => ({
  id,
  tags: [],
  addresses: { v4: `100.64.0.${id}` as Addr },
  advertisedRoutes: [],
  approvedRoutes: [],
  ...rest,
});

const nodes = [
  node(1, { userId: 1 }),
  node(3, { userId: 1 }),
  node(5, { userId: 2 }),
  node(6, { userId: 3 }),
  node(11, { tags: ["tag:db"] }),
  node(12, { tags: ["tag:rec"] }),
];

function compiled(...ssh: object[]) {
  const policy = parsePolicy(JSON.stringify({ tagOwners: { "tag:db": [], "tag:rec": [] }, ssh }));
  const users = [
    { id: 1, loginName: "ana@corp.test" },
    { id: 2, loginName: "ben@corp.test" },
    { id: 3, loginName: "eve@other.test" },
  ];
  return compilePolicy({ policy, users, nodes, settings: { serverUrl: "https://hs.test" } });
}

/** A rule in short: action, principals, users. */
function short(live: ReturnType<typeof compiled>, id: number) {
  return live
    .sshPolicy(id)
    ?.rules.map(({ action, principals, sshUsers }) => [
      action.accept === true ? "accept" : "check",
      principals.map(({ nodeIP }) => Number(nodeIP?.split(".")[3])),
      sshUsers,
    ]);
}

const member = { src: ["autogroup:member"], dst: ["tag:db"] };

describe("sshPolicy", () => {
  test("is absent without an ssh section and empty where no rule reaches", () => {
    const none = compilePolicy({ policy: undefined, users: [], nodes, settings: { serverUrl: "" } });
    expect(none.sshPolicy(1)).toBeUndefined();
    expect(compiled({ ...member, action: "accept", users: ["root"] }).sshPolicy(1)).toEqual({ rules: [] });
  });

  test("puts checks before accepts and points them to the server", () => {
    const live = compiled(
      { ...member, action: "accept", users: ["root"] },
      { ...member, action: "check", users: ["autogroup:nonroot", "ubuntu"], acceptEnv: ["LANG", "LC_*"] },
    );
    expect(short(live, 11)).toEqual([
      ["check", [1, 3, 5, 6], { root: "", "*": "=", ubuntu: "ubuntu" }],
      ["accept", [1, 3, 5, 6], { root: "root" }],
    ]);
    expect(live.sshPolicy(11)?.rules[0]).toMatchObject({
      acceptEnv: ["LANG", "LC_*"],
      action: {
        holdAndDelegate: "https://hs.test/machine/ssh/action/$SRC_NODE_ID/to/$DST_NODE_ID?local_user=$LOCAL_USER",
      },
    });
  });

  test("gives every user the local part of the own login, at the destination and on their own devices", () => {
    const live = compiled({ ...member, action: "accept", users: ["localpart:*@corp.test", "root"] });
    expect(short(live, 11)).toEqual([
      ["accept", [1, 3], { root: "root" }],
      ["accept", [1, 3], { ana: "ana" }],
      ["accept", [5], { root: "root" }],
      ["accept", [5], { ben: "ben" }],
      ["accept", [6], { root: "root" }],
    ]);
    expect(short(live, 1)).toEqual([
      ["accept", [1, 3], { root: "root" }],
      ["accept", [1, 3], { ana: "ana" }],
    ]);
    expect(short(live, 6)).toEqual([["accept", [6], { root: "root" }]]);
    expect(live.sshPolicy(3)).toBe(live.sshPolicy(1));
  });

  test("reaches with autogroup:self the devices of the same owner", () => {
    const live = compiled({ src: ["autogroup:member"], dst: ["autogroup:self"], action: "accept", users: ["x"] });
    expect(short(live, 3)).toEqual([["accept", [1, 3], { root: "", x: "x" }]]);
    expect(short(live, 11)).toEqual([]);
  });

  test("names recorders and fails closed where the policy wants that", () => {
    const live = compiled({
      ...member,
      action: "accept",
      users: ["root"],
      recorder: ["tag:rec"],
      enforceRecorder: true,
    });
    expect(live.sshPolicy(11)?.rules[0]?.action).toMatchObject({
      recorders: ["100.64.0.12:80"],
      onRecordingFailure: {
        RejectSessionWithMessage: expect.any(String),
        TerminateSessionWithMessage: expect.any(String),
      },
    });
  });
});

describe("sshCheck", () => {
  const live = compiled(
    { src: ["ana@corp.test"], dst: ["tag:db"], action: "check", users: ["root"], checkPeriod: "1h" },
    {
      src: ["autogroup:member"],
      dst: ["tag:db"],
      action: "check",
      users: ["autogroup:nonroot"],
      checkPeriod: "always",
    },
    { src: ["ben@corp.test"], dst: ["tag:db"], action: "accept", users: ["root"] },
  );

  test.for([
    [1, 11, "root", { periodMs: 3_600_000 }],
    [1, 11, "ubuntu", { periodMs: 0 }],
    [5, 11, "root", undefined],
    [1, 5, "root", undefined],
    [99, 11, "root", undefined],
    [1, 11, "", undefined],
  ] as const)("of %d at %d as %j is %j", ([src, dst, login, check]) => {
    expect(live.sshCheck(src, dst, login)).toEqual(check);
  });
});

describe("sshUserAllowed", () => {
  test.for([
    [{ root: "" }, "root", false],
    [{ "*": "=", root: "" }, "root", false],
    [{ "*": "=", root: "" }, "ann", true],
    [{ "*": "=", ann: "" }, "ann", false],
    [{ ubuntu: "ubuntu" }, "ubuntu", true],
    [{ ubuntu: "ubuntu" }, "constructor", false],
    [{ "*": "=" }, "", false],
  ] as const)("of %j for %j is %s", ([users, login, allowed]) => {
    expect(sshUserAllowed(users as Record<string, string>, login)).toBe(allowed);
  });
});
