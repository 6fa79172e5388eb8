import type { SSHPolicy, SSHRule } from "@headscale/tailcfg";
import type { Compilation } from "#compile/compilation.ts";
import { sshUserAllowed } from "#ssh/ssh-rules.ts";

/** SSH logins of some addresses at one node. */
export interface LoginAccess {
  readonly nodeId: number;
  readonly src: readonly string[];
  /** `*`: every name but root that is not named elsewhere. */
  readonly login: string;
  readonly action: "accept" | "check";
}

export interface LoginDifference {
  readonly gained: readonly LoginAccess[];
  readonly lost: readonly LoginAccess[];
}

type AtOneNode = Omit<LoginAccess, "nodeId">;

/** Who may log in where after a change and could not before, and the other way round. A check instead of leave is both. */
export function diffLogins(before: Compilation, after: Compilation, nodeIds: readonly number[]): LoginDifference {
  const known = new Map<
    SSHPolicy | undefined,
    Map<SSHPolicy | undefined, { gained: AtOneNode[]; lost: AtOneNode[] }>
  >();
  const difference = { gained: [] as LoginAccess[], lost: [] as LoginAccess[] };
  for (const nodeId of nodeIds) {
    const [old, now] = [before.sshPolicy(nodeId), after.sshPolicy(nodeId)];
    // Nodes with the same rules share the object.
    const twins = known.get(old) ?? new Map();
    known.set(old, twins);
    const found = twins.get(now) ?? { gained: exceeding(now, old), lost: exceeding(old, now) };
    twins.set(now, found);
    for (const side of ["gained", "lost"] as const)
      for (const access of found[side]) difference[side].push({ nodeId, ...access });
  }
  return difference;
}

/** What the first rules allow and the second do not, or not in the same way. */
function exceeding(mine: SSHPolicy | undefined, theirs: SSHPolicy | undefined): AtOneNode[] {
  const [rules, others] = [mine?.rules ?? [], theirs?.rules ?? []];
  const logins = new Set([...rules, ...others].flatMap(({ sshUsers }) => Object.keys(sshUsers)));
  return [...logins].flatMap((login) => {
    const [own, other] = [outcomes(rules, login), outcomes(others, login)];
    return (["accept", "check"] as const).flatMap((action) => {
      const src = [...own].flatMap(([addr, outcome]) =>
        outcome === action && other.get(addr) !== action ? [addr] : [],
      );
      return src.length === 0 ? [] : [{ src, login, action }];
    });
  });
}

/** Address → what it gets under a login: clients stop at the first rule for both. */
function outcomes(rules: readonly SSHRule[], login: string): ReadonlyMap<string, LoginAccess["action"]> {
  const found = new Map<string, LoginAccess["action"]>();
  for (const { sshUsers, principals, action } of rules) {
    if (!sshUserAllowed(sshUsers, login)) continue;
    for (const { nodeIP } of principals)
      if (nodeIP !== undefined && !found.has(nodeIP)) found.set(nodeIP, action.holdAndDelegate ? "check" : "accept");
  }
  return found;
}
