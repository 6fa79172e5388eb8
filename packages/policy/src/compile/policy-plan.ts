import { PolicyIndex } from "#resolve/policy-index.ts";
import { type PlannedSshRule, planSsh } from "#ssh/ssh-plan.ts";
import type { Policy } from "#syntax/policy-document.ts";
import { type PlannedAttributes, planAttributes } from "./attributes.ts";
import { partName } from "./chunks.ts";
import { type DeliveryPlan, planDelivery } from "./deliver.ts";
import { type Edges, makeEdges } from "./edges.ts";
import { type PlannedPermissions, planPermissions } from "./permissions.ts";
import { planGrants } from "./rule-plan.ts";
import { makeUnits, type Unit } from "./units.ts";

/** Everything about a policy that no node and no user can change. Made once for each policy. */
export interface PolicyPlan {
  readonly policy: Policy | undefined;
  readonly index: PolicyIndex;
  readonly units: readonly Unit[];
  readonly edges: Edges;
  readonly delivery: DeliveryPlan;
  readonly ssh: readonly PlannedSshRule[] | undefined;
  readonly attributes: readonly PlannedAttributes[];
  readonly permissions: PlannedPermissions;
  /** Tags declared in `tagOwners`. */
  readonly tags: ReadonlySet<string>;
  /** By source list: the part of the filter that its rules stand in. */
  readonly parts: readonly string[];
}

export function makePlan(policy: Policy | undefined): PolicyPlan {
  const index = new PolicyIndex(policy);
  const units = makeUnits(index, planGrants(policy));
  const ssh = planSsh(index, policy);
  const attributes = planAttributes(index, policy);
  const permissions = planPermissions(index, policy);
  const parts = index.sources.map(({ label, selectors }) => {
    const open = selectors.some((id) => ["any", "danger"].includes(index.selectors[id]?.kind ?? ""));
    return open ? "base" : partName(label);
  });
  const tags = new Set(policy?.tagOwners.keys());
  return {
    policy,
    index,
    units,
    edges: makeEdges(index, units),
    delivery: planDelivery(index.dests.length, units),
    ssh,
    attributes,
    permissions,
    parts,
    tags,
  };
}
