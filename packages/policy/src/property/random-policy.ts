import { fc } from "@fast-check/vitest";
import { literals, tags, userIds } from "./random-tailnet.ts";

/** A rule in the plainest form, before it becomes an acl or a grant. */
export interface PlainRule {
  readonly src: readonly string[];
  readonly dst: readonly string[];
  /** `tcp:22`, `*`, … */
  readonly ip: readonly string[];
  readonly app: readonly string[];
  readonly via: readonly string[];
  readonly posture: boolean;
}

export interface PlainPolicy {
  readonly grants: readonly PlainRule[];
  readonly acls: readonly PlainRule[];
  readonly ssh: readonly PlainSshRule[];
  readonly attrs: readonly { readonly target: readonly string[]; readonly attr: readonly string[] }[];
}

export interface PlainSshRule {
  readonly action: "accept" | "check";
  readonly src: readonly string[];
  readonly dst: readonly string[];
  readonly users: readonly string[];
}

const people = [
  ...userIds.map((id) => `u${id}@${id === 3 ? "other" : "corp"}.test`),
  "group:g",
  "group:h",
  "autogroup:member",
  "user:*@corp.test",
];
const sources = [
  ...people,
  ...tags,
  "autogroup:tagged",
  "autogroup:admin",
  "*",
  "near",
  "ipset:some",
  "autogroup:danger-all",
  ...literals,
];
const capabilityTargets = [...people, ...tags, "autogroup:tagged", "*", "near", "ipset:some", ...literals];
const targets = [...capabilityTargets, "autogroup:internet"];
const services = ["*", "22", "tcp:80-443", "udp:53", "icmp:*", "gre:*"];
const capabilities = ["example.test/cap/x", "tailscale.com/cap/drive", "tailscale.com/cap/relay"];

const some = (pool: readonly string[]) => fc.uniqueArray(fc.constantFrom(...pool), { minLength: 1, maxLength: 3 });
const none = fc.constant<string[]>([]);

const network: fc.Arbitrary<PlainRule> = fc.record({
  src: some(sources),
  dst: some(targets),
  ip: some(services),
  app: none,
  via: fc.oneof({ weight: 3, arbitrary: none }, { weight: 1, arbitrary: some(tags) }),
  posture: fc.boolean(),
});

const application: fc.Arbitrary<PlainRule> = fc.record({
  src: some(sources),
  dst: some(capabilityTargets),
  ip: fc.oneof(none, some(services)),
  app: some(capabilities),
  via: none,
  posture: fc.boolean(),
});

const self: fc.Arbitrary<PlainRule> = fc.record({
  src: some(people),
  dst: fc
    .oneof(none, some(targets))
    .map((others) => ["autogroup:self", ...others.filter((target) => target !== "autogroup:internet")]),
  ip: some(services),
  app: fc.oneof(none, some(capabilities)),
  via: none,
  posture: fc.boolean(),
});

const grant = fc.oneof(network, application, self);
const acl = fc.oneof(network, self).map((rule) => ({ ...rule, app: [], via: [], ip: rule.ip.slice(0, 1) }));

const ssh: fc.Arbitrary<PlainSshRule> = fc
  .record({
    action: fc.constantFrom("accept", "check"),
    src: some([...people, "autogroup:admin"]),
    dst: some([...tags, "autogroup:self", "autogroup:member"]),
    users: some(["root", "ubuntu", "autogroup:nonroot", "localpart:*@corp.test"]),
  })
  .map((rule) => ({ ...rule, action: rule.action as "accept" | "check" }));

const attribute = fc.record({
  target: some([...people, ...tags, "*", "near"]),
  attr: some(["funnel", "disable-ipv4", "dns-subdomain-resolve", "x"]),
});

export const policies: fc.Arbitrary<PlainPolicy> = fc.record({
  grants: fc.array(grant, { maxLength: 4 }),
  acls: fc.array(acl, { maxLength: 3 }),
  ssh: fc.array(ssh, { maxLength: 2 }),
  attrs: fc.array(attribute, { maxLength: 2 }),
});

export const groups: Readonly<Record<string, readonly string[]>> = {
  "group:g": ["u1@corp.test", "u2@corp.test"],
  "group:h": ["u3@other.test", "nobody@corp.test"],
};

/** The policy as a file. */
export function policyText({ grants, acls, ssh: sshRules, attrs }: PlainPolicy): string {
  return JSON.stringify({
    groups,
    hosts: { near: "100.64.0.4" },
    ipsets: { "ipset:some": ["add 10.0.0.0/15", "add 100.64.0.5-100.64.0.6", "remove 10.0.1.128/25"] },
    tagOwners: Object.fromEntries(tags.map((tag) => [tag, ["autogroup:admin"]])),
    postures: { "posture:managed": ["custom:managed == true"] },
    grants: grants.map(({ posture, via, app, ...rest }) => ({
      ...rest,
      ...(via.length > 0 ? { via } : {}),
      ...(app.length > 0 ? { app: Object.fromEntries(app.map((name) => [name, [{ n: 1 }]])) } : {}),
      ...(posture ? { srcPosture: ["posture:managed"] } : {}),
    })),
    acls: acls.map(({ src, dst, ip, posture }) => ({
      action: "accept",
      src,
      ...aclTarget(dst, ip[0] ?? "*"),
      ...(posture ? { srcPosture: ["posture:managed"] } : {}),
    })),
    ssh: sshRules,
    nodeAttrs: attrs,
  });
}

function aclTarget(dst: readonly string[], ip: string) {
  const colon = ip.indexOf(":");
  const ports = ip.slice(colon + 1);
  return { dst: dst.map((target) => `${target}:${ports}`), ...(colon < 0 ? {} : { proto: ip.slice(0, colon) }) };
}
