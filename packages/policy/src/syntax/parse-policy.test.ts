import { describe, expect, test } from "vitest";
import { PolicyError } from "../policy-error.ts";
import { renderProblem } from "../render-problem.ts";
import { parsePolicy } from "./parse-policy.ts";

const base = {
  groups: { "group:ops": ["ana@corp.test"] },
  hosts: { db: "100.64.0.9", net: "10.0.0.0/8" },
  tagOwners: { "tag:db": ["group:ops"], "tag:web": ["tag:db"] },
};

function refusal(policy: unknown, domains?: string[]): PolicyError {
  try {
    parsePolicy(typeof policy === "string" ? policy : JSON.stringify(policy), domains === undefined ? {} : { domains });
  } catch (error) {
    if (error instanceof PolicyError) return error;
    throw error;
  }
  throw new Error("accepted");
}

const acl = (rule: object) => ({ ...base, acls: [{ action: "accept", src: ["*"], dst: ["*:*"], ...rule }] });
const grant = (rule: object) => ({ ...base, grants: [{ src: ["*"], dst: ["*"], ip: ["*"], ...rule }] });
const ssh = (rule: object) => ({
  ...base,
  ssh: [{ action: "accept", src: ["group:ops"], dst: ["tag:db"], users: ["root"], ...rule }],
});
const attrs = (entry: object) => ({ ...base, nodeAttrs: [entry] });

describe("parsePolicy", () => {
  test("keeps absent apart from empty", () => {
    expect(parsePolicy("")).toMatchObject({ acls: undefined, grants: undefined, ssh: undefined });
    expect(parsePolicy("{}").grants).toBeUndefined();
    expect(parsePolicy('{"grants": null}').grants).toBeUndefined();
    expect(parsePolicy('{"grants": []}').grants).toEqual([]);
  });

  test("takes names of sections and fields in any case, and older names", () => {
    const policy = parsePolicy(
      '{"ACLs": [{"Action": "accept", "Users": ["*"], "Ports": ["*:22"], "#note": 1}], "Tests": [{"user": "a@b", "allow": ["x:1"]}]}',
    );
    expect(policy.acls?.[0]).toMatchObject({ src: [{ kind: "any" }], dst: [{ ports: [{ First: 22, Last: 22 }] }] });
    expect(policy.tests[0]).toMatchObject({ src: "a@b", accept: [{ text: "x:1" }] });
  });

  test("trims selectors, SSH users and actions", () => {
    const policy = parsePolicy(JSON.stringify(ssh({ action: " check ", src: [" group:ops "], users: [" root "] })));
    expect(policy.ssh?.[0]).toMatchObject({
      action: "check",
      users: ["root"],
      src: [{ kind: "group", text: "group:ops" }],
    });
  });

  test.for([
    [undefined, 12 * 3_600_000],
    ["always", 0],
    ["0s", 0],
    ["30s", 30_000],
    ["168h", 168 * 3_600_000],
  ] as const)("reads the check period %s as %d ms", ([checkPeriod, ms]) => {
    expect(parsePolicy(JSON.stringify(ssh({ action: "check", checkPeriod }))).ssh?.[0]?.checkPeriodMs).toBe(ms);
  });

  test("warns of what is legal but hardly meant", () => {
    const policy = parsePolicy(JSON.stringify(ssh({ users: ["autogroup:member"], checkPeriod: "1h" })));
    expect(policy.warnings.map(({ message }) => message)).toEqual([
      'user "autogroup:member" is taken as the name of a local user',
      'checkPeriod has no effect with action "accept"',
    ]);
  });

  test.for([
    [acl({ action: "deny" }), 'action="deny" is not supported'],
    [acl({ src: ["tag:no"] }), 'src=tag not found: "tag:no"'],
    [acl({ dst: ["tag:no:22"] }), 'dst="tag:no": tag not found: "tag:no"'],
    [acl({ dst: ["tag:db:x"] }), 'dst="tag:db:x": port range "x": invalid first integer'],
    [acl({ dst: ["db"] }), 'hostport must contain a colon (":")'],
    [acl({ src: ["group:no"] }), 'src=group not found: "group:no"'],
    [acl({ src: ["nohost"] }), 'src="nohost": invalid address'],
    [acl({ src: ["autogroup:internet"] }), "autogroup:internet can only be used in ACL destinations"],
    [acl({ src: ["autogroup:bogus"] }), 'src=autogroup not found: "autogroup:bogus"'],
    [
      acl({ src: ["tag:db"], dst: ["autogroup:self:*"] }),
      "autogroup:self can only be used with users, groups, or supported autogroups",
    ],
    [acl({ proto: "nope" }), 'proto name "nope" not known; use protocol number 0-255'],
    [
      acl({ proto: "icmp", dst: ["db:22"] }),
      'dst="db": protocol 1 does not support specific ports; only "*" is allowed',
    ],
    [acl({ bogus: 1 }), 'unknown field: "bogus"'],
    [acl({ src: "x" }), "acls.src: expected a list"],
    [acl({ src: [1] }), "acls.src: expected a list of texts"],
    [grant({ ip: [] }), "ip and app can not both be empty"],
    [grant({ ip: ["tcp:0"] }), "port range \"0\": first port must be >0, or use '*' for wildcard"],
    [grant({ dst: ["0.0.0.0/0"] }), 'dst "0.0.0.0/0": to allow all IP addresses, use "*" or "autogroup:internet"'],
    [grant({ dst: ["autogroup:danger-all"] }), "cannot use autogroup:danger-all as a dst"],
    [grant({ src: ["autogroup:self"] }), '"autogroup:self" not valid on the src side of a rule'],
    [grant({ dst: ["autogroup:self"] }), "autogroup:self can only be used with users, groups, or supported autogroups"],
    [grant({ via: ["tag:no"] }), 'tag "tag:no" not found'],
    [grant({ via: ["group:ops"] }), "via can only be a tag"],
    [grant({ app: { "https://x.test/y": [] } }), "capability name must have the form {domain}/{path}"],
    [grant({ app: { nopath: [] } }), "capability name must have the form {domain}/{path}"],
    [
      grant({ app: { "tailscale.com/cap/drive-sharer": [] } }),
      "capability name must not be in the tailscale.com domain",
    ],
    [grant({ app: { "x.test/y": [] }, dst: ["autogroup:internet"] }), "cannot use app grants with autogroup:internet"],
    [grant({ srcPosture: ["posture:no"] }), 'posture not found: "posture:no"'],
    [ssh({ action: "" }), "action must be specified"],
    [ssh({ action: "Accept" }), '"Accept" is not a valid action'],
    [ssh({ users: [] }), "users must be specified"],
    [ssh({ users: ["*"] }), 'user "*" is not valid'],
    [ssh({ dst: ["db"] }), 'invalid dst "db"'],
    [ssh({ dst: ["tag:no"] }), 'tag not found: "tag:no"'],
    [ssh({ acceptEnv: [""] }), "acceptEnv values cannot be empty"],
    [ssh({ action: "check", checkPeriod: "169h" }), "checkPeriod 169h0m0s is above the max (168h)"],
    [ssh({ action: "check", checkPeriod: "-1s" }), "checkPeriod -1s must be a positive duration"],
    [ssh({ src: ["tag:db"], dst: ["ana@corp.test"] }), /^tags in SSH source cannot access user-owned devices/],
    [ssh({ src: ["group:ops"], dst: ["ana@corp.test"] }), /^user destination requires source/],
    [attrs({ target: ["%bogus%"], attr: ["x"] }), '"%bogus%": invalid address'],
    [attrs({ target: ["autogroup:self"], attr: ["x"] }), "autogroup:self cannot be used as a target of nodeAttrs"],
    [attrs({ target: ["*"], ipPool: ["100.100.100.0/24"] }), "IPPool(100.100.100.0/24): network within reserved range"],
    [attrs({ target: ["*"], ipPool: ["10.0.0.0/8"] }), "IPPool(10.0.0.0/8): network must be within 100.64.0.0/10"],
    [{ groups: { "group:a": ["group:b"] } }, 'groups["group:a"]: "group:b": group members cannot be recursive'],
    [{ tagOwners: { "tag:1": [] } }, "tagOwners[\"tag:1\"]: tag names must start with a letter, after 'tag:'"],
    [{ tagOwners: { "tag:a": ["tag:b"] } }, 'tag "tag:a" references undefined tag "tag:b"'],
    [{ hosts: { x: "nope" } }, 'hosts["x"]: "nope": invalid address'],
    [{ ipsets: { "ipset:a": ["ipset:b"], "ipset:b": ["ipset:a"] } }, 'ipsets: "ipset:a" contains itself'],
    [{ postures: { "posture:a": ["nonsense"] } }, 'postures["posture:a"]: cannot read assertion "nonsense"'],
    [
      { sshTests: [{ src: "a@b", dst: ["10.0.0.0/8"], accept: ["x"] }] },
      'SSH tests dst contains disallowed element "10.0.0.0/8"',
    ],
    [{ sshTests: [{ src: "a@b", dst: ["tag:x:22"], accept: ["x"] }] }, 'SSH tests dst contains unknown tag "tag:x:22"'],
    [{ OneCGNATRoute: "x" }, 'OneCGNATRoute: "x" is neither "mac-always" nor "mac-never"'],
    [{ bogus: 1 }, 'unknown field: "bogus"'],
    ['{"acls": [], "ACLs": []}', 'duplicate name "ACLs"'],
    ["[]", "a policy is an object: { … }"],
    ["{", "expected a name in double quotes"],
  ] as const)("refuses %j", ([policy, message]) => {
    if (typeof message === "string") expect(refusal(policy).message).toBe(message);
    else expect(refusal(policy).message).toMatch(message);
  });

  test.for([
    [["corp.test"], "localpart:*@other.test", "other.test"],
    [["corp.test"], "localpart:*@CORP.TEST", "CORP.TEST"],
    [["corp.test"], "localpart:*@*", "*"],
  ] as const)("with the domains %j refuses %s", ([domains, user, named]) => {
    expect(refusal(ssh({ users: [user] }), [...domains]).message).toBe(
      `${named} is not associated with this Tailnet and cannot be used in user:*@<domain> expressions`,
    );
  });

  test("takes any domain while those of the tailnet are not known", () => {
    expect(parsePolicy(JSON.stringify(ssh({ users: ["localpart:*@x.test"] }))).ssh).toHaveLength(1);
  });

  test("names every problem with line, column and byte, and the first one's text", () => {
    const text = '{\n\t// ünïcode\n\t"acls": [\n\t\t{"action": "accept", "src": ["tag:no"], "dst": ["db:x"]},\n\t],\n}';
    const error = refusal(text);
    expect(error.message).toBe('dst="db:x": port range "x": invalid first integer');
    expect(error.problems.map(({ line, column }) => [line, column])).toEqual([
      [4, 51],
      [4, 32],
      [4, 51],
    ]);
    expect(Buffer.from(text).subarray(error.problems[1]?.offset).toString()).toMatch(/^"tag:no"/);
    expect(renderProblem(text, error.problems[1]!, "acl.hujson")).toBe(
      `acl.hujson:4:32: src=tag not found: "tag:no"\n4 | \t\t{"action": "accept", "src": ["tag:no"], "dst": ["db:x"]},\n  | \t\t${" ".repeat(29)}^`,
    );
  });

  test.for([
    [
      { postures: { "posture:a": ["custom:tier == 'x'"] } },
      'no device has the attribute "custom:tier" on this server, so the assertion never holds',
    ],
    [
      { postures: { "posture:a": ["ip:country NOT SET"] } },
      'no device has the attribute "ip:country" on this server, so the assertion always holds',
    ],
    [grant({ dst: ["svc:web"] }), '"svc:web": this server offers no services, so nobody reaches it'],
    [
      grant({ src: ["autogroup:shared"] }),
      '"autogroup:shared": nodes are not shared between tailnets here, so it stands for nobody',
    ],
    [
      { autoApprovers: { services: { "svc:web": [] } } },
      'autoApprovers.services: this server offers no services, so "svc:web" has no hosts',
    ],
    [
      attrs({ target: ["*"], attr: ["funnel"] }),
      "funnel: this server has no entrance from the internet, so nothing comes in",
    ],
    [
      attrs({ target: ["*"], app: { "tailscale.com/app-connectors": [] } }),
      /^app-connectors: this server leads no names to the connector/,
    ],
    [{ attrConfig: {} }, "attrConfig has no effect: devices have no custom attributes on this server"],
  ] as const)("warns of %j, which does nothing or not alone what it says", ([policy, message]) => {
    const { warnings } = parsePolicy(JSON.stringify(policy));
    expect(warnings.map((warning) => warning.message)).toEqual([
      typeof message === "string" ? message : expect.stringMatching(message),
    ]);
    expect(warnings[0]?.line).toBe(1);
  });

  test("does not warn of what acts", () => {
    const policy = {
      ...attrs({ target: ["*"], attr: ["disable-ipv4", "nextdns:abc"], ipPool: ["100.81.0.0/16"] }),
      postures: { "posture:a": ["node:os == 'linux'", "node:tsVersion >= '1.80'"] },
      derpMap: { Regions: { 1: null } },
      randomizeClientPort: true,
      OneCGNATRoute: "mac-always",
      disableIPv4: true,
    };
    expect(parsePolicy(JSON.stringify(policy)).warnings).toEqual([]);
  });

  test("refuses a file over its limit before reading it", () => {
    expect(() => parsePolicy(" ".repeat(17 * 1024 * 1024))).toThrow(expect.objectContaining({ code: "too-large" }));
    expect(() => parsePolicy("é".repeat(60), { maxBytes: 100 })).toThrow(
      expect.objectContaining({ code: "too-large" }),
    );
  });

  test("stops naming problems at a hundred", () => {
    expect(refusal({ acls: Array(5000).fill({ action: "no", src: ["*"], dst: ["*:*"] }) }).problems).toHaveLength(100);
  });
});
