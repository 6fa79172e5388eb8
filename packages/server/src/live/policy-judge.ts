import type { Node, PolicyJudge, Presence } from "@headscale/tailnet";
import type { LiveTailnet } from "./live-tailnet.ts";
import { policyNode } from "./policy-input.ts";

/** What the tailnet's policy decides for commands. */
export function policyJudge(tailnet: LiveTailnet, presence: (node: Node) => Presence): PolicyJudge {
  return {
    mayTag: (userId, tag) => userId !== undefined && tailnet.policy.mayAssignTag({ userId }, tag),
    isDefinedTag: (tag) => tailnet.policy.definedTags.has(tag),
    autoApproved: (node, announced) => {
      if (announced.length === 0) return [];
      const seen = policyNode(node, presence(node), tailnet.routers.primaries);
      return tailnet.policy.autoApprovedRoutes({ ...seen, advertisedRoutes: announced });
    },
    addressPools: (node) => {
      const { policy } = tailnet.policy;
      if (policy?.nodeAttrs.some(({ ipPool }) => ipPool.length > 0) !== true) return undefined;
      return tailnet.policy.addressPools(policyNode(node, presence(node), tailnet.routers.primaries));
    },
  };
}
