import type { Addr, Prefix } from "@headscale/netip";
import { describe, expect, test } from "vitest";
import { parsePolicy } from "#syntax/parse-policy.ts";
import { compilePolicy } from "../compile-policy.ts";
import type { PolicyNode } from "../engine.ts";
import { PolicyError } from "../policy-error.ts";
import { diffPolicies } from "./diff-policies.ts";
import { explainAccess } from "./explain-access.ts";
import { compileTested, runPolicyTests } from "./run-tests.ts";

const node = (id: number, rest: Partial<PolicyNode>): PolicyNode => ({
  id,
  tags: [],
  addresses: { v4: `100.64.0.${id}` as Addr, v6: `fd7a:115c:a1e0::${id}` as Addr },
  advertisedRoutes: [],
  approvedRoutes: [],
  ...rest,
});

const users = [
  { id: 1, loginName: "ana@corp.test" },
  { id: 2, loginName: "ben@corp.test" },
];
const routes = ["10.0.0.0/16"] as Prefix[];
const nodes = [
  node(1, { userId: 1 }),
  node(2, { userId: 2 }),
  node(3, { userId: 1, attributes: { "custom:managed": true } }),
  node(8, { tags: ["tag:gw"], advertisedRoutes: routes, approvedRoutes: routes }),
  node(9, { tags: ["tag:db"] }),
];

const text = (rest: object) =>
  JSON.stringify(
    {
      groups: { "group:ops": ["ana@corp.test"], "group:all": ["ana@corp.test", "ben@corp.test"], "group:empty": [] },
      hosts: { db: "100.64.0.9", lan: "10.0.0.0/16" },
      tagOwners: { "tag:db": [], "tag:gw": [], "tag:none": [] },
      postures: { "posture:managed": ["custom:managed == true"] },
      acls: [
        { action: "accept", src: ["group:ops"], dst: ["tag:db:5432"], proto: "tcp" },
        { action: "accept", src: ["ben@corp.test"], dst: ["db:80", "10.0.0.0/16:22"] },
        { action: "accept", src: ["autogroup:member"], dst: ["autogroup:self:*"] },
        { action: "accept", src: ["ana@corp.test"], dst: ["tag:gw:443"], srcPosture: ["posture:managed"] },
        { action: "accept", src: ["ana@corp.test"], dst: ["db:*"], proto: "icmp" },
      ],
      ssh: [
        { action: "check", src: ["group:ops"], dst: ["tag:db"], users: ["root"] },
        { action: "accept", src: ["group:all"], dst: ["tag:db"], users: ["autogroup:nonroot"] },
      ],
      ...rest,
    },
    null,
    1,
  );

const input = (rest: object = {}) => ({
  policy: parsePolicy(text(rest)),
  users,
  nodes,
  settings: { serverUrl: "https://hs.test" },
});

describe("tests of a policy", () => {
  test.for([
    { src: "ana@corp.test", accept: ["tag:db:5432", "db:5432"] },
    { src: "group:ops", accept: ["100.64.0.9:5432"], deny: ["tag:db:22"] },
    {
      src: "ben@corp.test",
      accept: ["db:80", "10.0.7.7:22", "[fd7a:115c:a1e0::2]:1"],
      deny: ["10.1.0.1:22", "db:443"],
    },
    { src: "ben@corp.test", accept: ["autogroup:self:9"], deny: ["ana@corp.test:9"] },
    { src: "ana@corp.test", proto: "icmp", accept: ["db:0"] },
    { src: "ana@corp.test", proto: "6", accept: ["db:5432"] },
    { src: "ana@corp.test", proto: "udp", deny: ["db:5432"] },
    { src: "ben@corp.test", proto: "sctp", deny: ["db:80"] },
    { src: "ana@corp.test", deny: ["tag:gw:443"], accept: [], srcPostureAttrs: { "custom:managed": false } },
    { src: "ana@corp.test", accept: ["tag:gw:443"], srcPostureAttrs: { "custom:managed": true } },
    { src: "100.64.0.1", accept: ["db:5432"] },
  ])("hold: %j", (entry) => {
    expect(runPolicyTests(compilePolicy(input({ tests: [entry] }))).flatMap(({ errors }) => errors)).toEqual([]);
  });

  test.for([
    [{ src: "ana@corp.test", accept: ["db:80"] }, 'address "db:80": want: Accept, got: Drop'],
    [{ src: "ben@corp.test", deny: ["db:80"] }, 'address "db:80": want: Drop, got: Accept'],
    [{ src: "group:all", accept: ["db:5432"] }, 'address "db:5432": want: Accept, got: Drop'],
    [{ src: "group:all", deny: ["db:5432"] }, 'address "db:5432": want: Drop, got: Accept'],
    [{ src: "ana@corp.test" }, 'test entry must have at least one of "accept" or "deny"'],
    [{ src: "", accept: ["db:80"] }, /^src: /],
    [{ src: "tag:none", deny: ["db:80"] }, 'src "tag:none" has no addresses'],
    [{ src: "tag:unknown", deny: ["db:80"] }, 'src: tag not found: "tag:unknown"'],
    [{ src: "ana@corp.test", deny: ["tag:none:80"] }, 'address "tag:none:80": has no addresses'],
    [{ src: "ana@corp.test", deny: ["lan:80"] }, 'address "lan:80": "lan" is a network, not one host'],
    [
      { src: "ana@corp.test", deny: ["10.0.0.1/32:80"] },
      'address "10.0.0.1/32:80": "10.0.0.1/32" is a network, not one host',
    ],
    [
      { src: "ana@corp.test", deny: ["autogroup:internet:80"] },
      'address "autogroup:internet:80": "autogroup:internet" cannot be used here',
    ],
    [
      { src: "tag:db", accept: ["autogroup:self:80"] },
      'address "autogroup:self:80": autogroup:self has no meaning for this source',
    ],
    [
      { src: "ana@corp.test", deny: ["db:80-81"] },
      'address "db:80-81": the port must be a single number from 1 to 65535',
    ],
    [{ src: "ana@corp.test", deny: ["db:0"] }, 'address "db:0": the port must be a single number from 1 to 65535'],
    [{ src: "ana@corp.test", deny: ["db"] }, 'address "db": hostport must contain a colon (":")'],
    [
      { src: "ana@corp.test", proto: "gre", deny: ["db:1"] },
      'proto "gre" cannot be tested; use tcp, udp, sctp or icmp',
    ],
  ] as const)("fail: %j", ([entry, error]) => {
    const [verdict] = runPolicyTests(compilePolicy(input({ tests: [entry] })));
    expect(verdict?.errors).toEqual([typeof error === "string" ? error : expect.stringMatching(error)]);
  });

  test.for([
    [{ src: "ana@corp.test", dst: ["tag:db"], check: ["root"], accept: ["ubuntu"], deny: [] }, []],
    [{ src: "ben@corp.test", dst: ["tag:db"], deny: ["root"], accept: ["ubuntu"] }, []],
    [{ src: "ana@corp.test", dst: ["tag:db"], accept: ["root"] }, ['root at "tag:db": want: Accept, got: Check']],
    [{ src: "ana@corp.test", dst: ["tag:db"], accept: [""] }, ['"" at "tag:db": want: Accept, got: an empty login']],
    [{ src: "ana@corp.test", dst: ["tag:db"] }, ["no accept, deny or check assertions"]],
    [{ src: "ana@corp.test", dst: ["10.0.0.1"], accept: ["root"] }, ['dst "10.0.0.1": is no node']],
    [{ src: "group:empty", dst: ["tag:db"], accept: ["root"] }, ['src "group:empty" is no node']],
  ] as const)("about SSH %j give %j", ([entry, errors]) => {
    const [verdict] = runPolicyTests(compilePolicy(input({ sshTests: [entry] })));
    expect(verdict?.errors).toEqual(errors);
  });

  test("tell of every expectation what was got, between which devices and by which rule", () => {
    const policy = input({
      tests: [{ src: "group:ops", proto: "tcp", accept: ["tag:db:5432", "tag:db:22", "lan:1"], deny: ["db:81"] }],
      sshTests: [{ src: "ana@corp.test", dst: ["tag:db"], check: ["root"], accept: ["ubuntu", "root"] }],
    });
    const db = "100.64.0.9, fd7a:115c:a1e0::9";
    const told = runPolicyTests(compilePolicy(policy)).flatMap(({ section, index, assertions }) =>
      assertions.map(({ dst, proto, login, expected, got, decided }) => {
        const { allowedBy, nearest } = decided ?? {};
        const rule = allowedBy ?? nearest;
        const by = rule && `${rule.section}[${rule.index}] ${nearest?.missing ?? "allows"}`;
        return [`${section}[${index}]`, `${dst}/${proto}/${login}`, expected, got, decided?.dst, by];
      }),
    );
    expect(told).toEqual([
      ["tests[0]", "tag:db:5432/tcp/", "accept", "accept", db, "acls[0] allows"],
      ["tests[0]", "tag:db:22/tcp/", "accept", "deny", db, "acls[0] port"],
      ["tests[0]", "lan:1/tcp/", "accept", undefined, undefined, undefined],
      ["tests[0]", "db:81/tcp/", "deny", "deny", "db", "acls[0] port"],
      ["sshTests[0]", "tag:db//ubuntu", "accept", "accept", db, "ssh[1] allows"],
      ["sshTests[0]", "tag:db//root", "accept", "check", db, "ssh[0] allows"],
      ["sshTests[0]", "tag:db//root", "check", "check", db, "ssh[0] allows"],
    ]);
  });

  test("stop a policy from being written, with the entry's line", () => {
    const failing = input({ tests: [{ src: "ana@corp.test", accept: ["db:80"] }] });
    const lines = failing.policy.text.split("\n");
    const line = lines.findLastIndex((row) => row.includes('"db:80"')) + 1;
    const column = (lines[line - 1] ?? "").indexOf('"db:80"') + 1;
    expect(() => compileTested(failing)).toThrow(
      expect.objectContaining({
        code: "tests-failed",
        message: "test(s) failed",
        problems: [
          expect.objectContaining({ message: "test(s) failed" }),
          expect.objectContaining({
            message: expect.stringMatching(
              /^ana@corp\.test: address "db:80": want: Accept, got: Drop \(100\.64\.0\.1, .* → db: no rule allows it; nearest is acls\[0\] \(line \d+\): the rule is for other ports\)$/,
            ),
            line,
            column,
          }),
        ],
      }),
    );
    expect(PolicyError.prototype).toBeInstanceOf(Error);
    expect(compileTested(input()).verdicts).toEqual([]);
  });
});

describe("explainAccess", () => {
  const live = compilePolicy(input());
  /** First line of the acl with this number. */
  const aclLine = (index: number) => {
    const lines = live.policy?.text.split("\n") ?? [];
    const from = lines.findIndex((row) => row.includes('"acls"'));
    const starts = lines.flatMap((row, line) => (line > from && row === "  {" ? [line + 1] : []));
    return starts[index];
  };

  test("names the rule that allows", () => {
    expect(explainAccess(live, "ana@corp.test", "tag:db:5432")).toEqual({
      verdicts: [1, 3].map((id) => ({
        src: `100.64.0.${id}, fd7a:115c:a1e0::${id}`,
        dst: "100.64.0.9, fd7a:115c:a1e0::9",
        allowedBy: { section: "acls", index: 0, line: aclLine(0) },
        nearest: undefined,
      })),
    });
  });

  test.for([
    ["ana@corp.test", "db:22", "tcp", 0, "port"],
    ["ana@corp.test", "db:5432", "udp", 0, "protocol"],
    ["ben@corp.test", "10.9.0.1:22", "tcp", 1, "destination"],
    ["tag:gw", "db:80", "tcp", 1, "source"],
    ["tag:gw", "db:81", "tcp", 0, "source"],
  ] as const)("names for %s at %s (%s) the nearest rule, and what it lacks", ([src, dst, proto, rule, missing]) => {
    const explained = explainAccess(live, src, dst, proto);
    const verdict = "verdicts" in explained ? explained.verdicts[0] : undefined;
    expect(verdict?.allowedBy).toBeUndefined();
    expect(verdict?.nearest).toEqual({ section: "acls", index: rule, line: aclLine(rule), missing });
  });

  test("leaves out what a device does with itself, unless nothing else was asked", () => {
    const pairs = (src: string, dst: string) => {
      const explained = explainAccess(live, src, dst);
      return "verdicts" in explained ? explained.verdicts.length : explained.error;
    };
    expect([pairs("ana@corp.test", "ana@corp.test:22"), pairs("100.64.0.1", "100.64.0.1:22")]).toEqual([2, 1]);
  });

  test("says that without rules everything is allowed by no rule in particular", () => {
    const open = compilePolicy({ ...input(), policy: undefined });
    expect(explainAccess(open, "100.64.0.1", "100.64.0.2:22")).toMatchObject({
      verdicts: [{ allowedBy: { line: undefined } }],
    });
  });

  test.for([
    ["nobody@x", "db:22", "", "nobody@x has no addresses"],
    ["ana@corp.test", "db", "", 'hostport must contain a colon (":")'],
    ["ana@corp.test", "db:x", "", "the port must be a single number, or * for a protocol without ports"],
    ["ana@corp.test", "nope:22", "", 'host not found: "nope"'],
    ["ana@corp.test", "db:22", "nope", 'proto name "nope" not known; use protocol number 0-255'],
  ] as const)("answers %s at %s %s with: %s", ([src, dst, proto, error]) => {
    expect(explainAccess(live, src, dst, proto)).toEqual({ error });
  });
});

describe("diffPolicies", () => {
  const live = compilePolicy(input());
  const changed = (edit: (acls: { src: string[]; dst: string[] }[]) => void) => {
    const policy = JSON.parse(text({})) as { acls: { src: string[]; dst: string[] }[] };
    edit(policy.acls);
    return diffPolicies(live, parsePolicy(JSON.stringify(policy)));
  };

  test("finds nothing in a policy that says the same in other words", () => {
    const { gained, lost, affected } = changed((acls) => {
      acls.reverse();
      acls.push({ ...acls[0]! });
      acls.push({ ...acls[3]!, dst: ["db:80"] });
    });
    expect({ gained, lost }).toEqual({ gained: [], lost: [] });
    expect([...affected.peers.keys()]).toEqual([]);
  });

  test("names what comes and goes, at which node, port by port", () => {
    const { gained, lost, affected } = changed((acls) => {
      acls[1]!.dst = ["db:79-81", "10.0.0.0/16:22"];
      acls[0]!.dst = ["tag:db:5433"];
    });
    const ana = ["100.64.0.1", "100.64.0.3", "fd7a:115c:a1e0::1", "fd7a:115c:a1e0::3"];
    const ben = ["100.64.0.2", "fd7a:115c:a1e0::2"];
    const at = (src: string[], dst: string, First: number, protocol: number | undefined, Last = First) => ({
      nodeId: 9,
      src,
      dst,
      protocol,
      ports: { First, Last },
    });
    const inOrder = (entries: readonly object[]) => entries.map((entry) => JSON.stringify(entry)).sort();
    const wanted = [
      at(ana, "100.64.0.9", 5433, 6),
      at(ben, "100.64.0.9", 79, undefined),
      at(ben, "100.64.0.9", 81, undefined),
      at(ana, "fd7a:115c:a1e0::9", 5433, 6),
    ];
    expect(inOrder(gained)).toEqual(inOrder(wanted));
    expect(lost).toEqual([at(ana, "100.64.0.9", 5432, 6), at(ana, "fd7a:115c:a1e0::9", 5432, 6)]);
    expect(affected.filters).toEqual([9]);
  });

  test("names SSH logins that come, go, or have to be confirmed from now on", () => {
    const to = (ssh: object[]) => diffPolicies(live, parsePolicy(text({ ssh }))).logins;
    const [check, accept] = [
      { action: "check", src: ["group:ops"], dst: ["tag:db"], users: ["root"] },
      { action: "accept", src: ["group:all"], dst: ["tag:db"], users: ["autogroup:nonroot"] },
    ];
    const addrs = (...ids: number[]) => ids.flatMap((id) => [`100.64.0.${id}`, `fd7a:115c:a1e0::${id}`]);
    expect(to([accept, check])).toEqual({ gained: [], lost: [] });
    expect(to([accept])).toEqual({
      gained: [],
      lost: [{ nodeId: 9, src: addrs(1, 3), login: "root", action: "check" }],
    });
    expect(
      to([
        { ...check, action: "accept" },
        { ...accept, src: ["ana@corp.test"] },
      ]),
    ).toEqual({
      gained: [{ nodeId: 9, src: addrs(1, 3), login: "root", action: "accept" }],
      lost: [
        { nodeId: 9, src: addrs(1, 3), login: "root", action: "check" },
        { nodeId: 9, src: addrs(2), login: "*", action: "accept" },
      ],
    });
    expect(to([check, { ...accept, users: ["ubuntu"] }])).toMatchObject({
      gained: [],
      lost: [{ login: "*", src: addrs(1, 3, 2) }],
    });
  });

  test("shows that the end of a policy opens everything", () => {
    const { gained, lost } = diffPolicies(live, undefined);
    expect(lost).toEqual([]);
    expect(new Set(gained.map(({ nodeId }) => nodeId))).toEqual(new Set([1, 2, 3, 8, 9]));
  });
});
