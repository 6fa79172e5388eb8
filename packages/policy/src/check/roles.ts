import type { SelectorKind } from "#syntax/selector.ts";

/** Autogroups that stand for users with a role. */
export const roleAutogroups = ["owner", "admin", "it-admin", "network-admin", "billing-admin", "auditor"] as const;

/** What may stand at one place of a policy, and how a fault there is introduced. */
export interface Role {
  readonly kinds: ReadonlySet<SelectorKind>;
  readonly autogroups: ReadonlySet<string>;
  /** What the service writes in front of a fault of `text`. */
  readonly prefix: (text: string) => string;
}

const none = () => "";
const kinds = (...names: SelectorKind[]): ReadonlySet<SelectorKind> => new Set(names);
const autogroups = (...names: string[]): ReadonlySet<string> => new Set([...names, ...roleAutogroups]);

const people = ["user", "domain", "group", "tag", "autogroup"] as const;
const sources = kinds(...people, "any", "host", "prefix", "ipset");
const destinations = kinds(...people, "any", "host", "prefix", "ipset", "service");

export const roles = {
  aclSrc: { kinds: sources, autogroups: autogroups("member", "tagged", "danger-all", "shared"), prefix: () => "src=" },
  aclDst: {
    kinds: destinations,
    autogroups: autogroups("member", "tagged", "self", "internet"),
    prefix: (text) => `dst=${JSON.stringify(text)}: `,
  },
  grantSrc: {
    kinds: sources,
    autogroups: autogroups("member", "tagged", "danger-all", "shared"),
    prefix: () => "src=",
  },
  grantDst: { kinds: destinations, autogroups: autogroups("member", "tagged", "self", "internet"), prefix: none },
  sshSrc: { kinds: kinds(...people), autogroups: autogroups("member", "tagged", "shared"), prefix: none },
  sshDst: { kinds: kinds("user", "tag", "autogroup"), autogroups: new Set(["member", "tagged", "self"]), prefix: none },
  recorder: { kinds: kinds("tag"), autogroups: new Set<string>(), prefix: () => "recorder=" },
  nodeAttr: {
    kinds: kinds(...people, "any", "host", "prefix", "ipset"),
    autogroups: autogroups("member", "tagged"),
    prefix: none,
  },
  tagOwner: { kinds: kinds(...people), autogroups: autogroups("member", "tagged"), prefix: () => "owner=" },
  approver: { kinds: kinds(...people), autogroups: autogroups("member", "tagged"), prefix: () => "approver=" },
} as const satisfies Record<string, Role>;
