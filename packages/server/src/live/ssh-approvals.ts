import type { AuthRequest, AuthRequestId, TailnetId } from "@headscale/tailnet";
import { isSameCheck, keepCheck, revokeChecks } from "@headscale/tailnet/commands";
import type { Live } from "./live.ts";

/** A connection under a check rule. */
export type SshCheck = Extract<AuthRequest["purpose"], { readonly kind: "ssh-check" }>;

interface Approval {
  readonly id: AuthRequestId;
  readonly expiresAt: number;
  readonly check: SshCheck & { readonly approvedAt: number };
}

function* approvals({ world }: Live): Iterable<Approval> {
  for (const { id, expiresAt, verdict, purpose } of world.authRequests.values()) {
    if (verdict !== "accepted" || purpose.kind !== "ssh-check" || purpose.approvedAt === undefined) continue;
    yield { id, expiresAt, check: { ...purpose, approvedAt: purpose.approvedAt } };
  }
}

/**
 * Whether such a connection was approved less than `periodMs` ago. The approval is a row: it outlives restarts, and every
 * replica knows it.
 */
export async function isApproved(live: Live, check: SshCheck, periodMs: number): Promise<boolean> {
  for (const { id, expiresAt, check: approved } of approvals(live)) {
    const until = approved.approvedAt + periodMs;
    if (until <= live.now() || !isSameCheck(approved, check)) continue;
    if (expiresAt < until) await live.execute(keepCheck(id, until), `node:${check.dst}`);
    return true;
  }
  return false;
}

/** Takes back the approvals for which the tailnet's policy has no rule any more: they do not come back with the rule. */
export async function revokeUngranted(live: Live, tailnet: TailnetId): Promise<void> {
  const { policy } = live.tailnet(tailnet);
  const ungranted = [...approvals(live)].filter(({ check: { src, dst, login } }) => {
    const node = live.world.nodes.get(dst);
    return node?.tailnet === tailnet && !policy.sshCheck(src, dst, login);
  });
  if (ungranted.length > 0) await live.execute(revokeChecks(ungranted.map(({ id }) => id)), "system");
}
