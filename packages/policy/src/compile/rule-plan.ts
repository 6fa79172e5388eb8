import type { CapabilityValues, PortRange } from "@headscale/tailcfg";
import type { Located, Policy, Span } from "#syntax/policy-document.ts";
import { anyPort } from "#syntax/ports.ts";
import { lexSelector, type Selector } from "#syntax/selector.ts";

export interface PlannedTarget {
  readonly selector: Selector;
  readonly ports: readonly PortRange[];
}

/** One grant in the form that acls and grants have in common: several destinations, one protocol, or capabilities. */
export interface PlannedGrant {
  /** Where the rule stands; `undefined` for the rule that stands for "no rules at all". */
  readonly span: Span | undefined;
  readonly section: "acls" | "grants";
  readonly src: readonly Selector[];
  /** Per protocol entry: the destinations with their ports. */
  readonly network: readonly { readonly protocol: number | undefined; readonly targets: readonly PlannedTarget[] }[];
  readonly dst: readonly Selector[];
  readonly app: ReadonlyMap<string, CapabilityValues>;
  readonly via: readonly Selector[];
  readonly postures: readonly string[];
}

/** All rules in the order of the service: grants first, then each acl as one grant per destination. */
export function planGrants(policy: Policy | undefined): PlannedGrant[] {
  if (policy === undefined || (policy.acls === undefined && policy.grants === undefined)) return [allowAll];
  return [...planned(policy)].filter(({ src, dst }) => src.length > 0 && dst.length > 0);
}

function* planned(policy: Policy): Generator<PlannedGrant> {
  for (const grant of policy.grants ?? []) {
    yield {
      span: grant.span,
      section: "grants",
      src: grant.src,
      network: grant.ip.map(({ protocol, ports }) => ({
        protocol,
        targets: grant.dst.map((selector) => ({ selector, ports })),
      })),
      dst: grant.dst,
      // Nobody would receive them: a router named by `via` is no destination of an application.
      app: grant.via.length > 0 ? new Map() : grant.app,
      via: grant.via,
      postures: posturesOf(policy, grant.srcPosture),
    };
  }
  for (const rule of policy.acls ?? []) {
    for (const target of selfLast(rule.dst)) {
      yield {
        span: rule.span,
        section: "acls",
        src: rule.src,
        network: [{ protocol: rule.protocol, targets: [target] }],
        dst: [target.selector],
        app: new Map(),
        via: [],
        postures: posturesOf(policy, rule.srcPosture),
      };
    }
  }
}

function posturesOf(policy: Policy, own: readonly Located[] | undefined): readonly string[] {
  return (own ?? policy.defaultSrcPosture).map(({ text }) => text.trim());
}

/** Next to a destination that is no autogroup, the service moves `autogroup:self` behind all others. */
function selfLast(targets: readonly PlannedTarget[]): readonly PlannedTarget[] {
  if (targets.every(({ selector }) => selector.kind === "autogroup")) return targets;
  return [
    ...targets.filter((target) => !isSelf(target.selector)),
    ...targets.filter((target) => isSelf(target.selector)),
  ];
}

export function isSelf(selector: Selector): boolean {
  return selector.kind === "autogroup" && selector.name === "self";
}

const everything = lexSelector("*", 0);

const allowAll: PlannedGrant = {
  span: undefined,
  section: "grants",
  src: [everything],
  network: [{ protocol: undefined, targets: [{ selector: everything, ports: [anyPort] }] }],
  dst: [everything],
  app: new Map(),
  via: [],
  postures: [],
};
