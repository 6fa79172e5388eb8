import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, type ServiceImpl } from "@connectrpc/connect";
import type { HeadscaleService } from "@headscale/gen/headscale/v1/headscale_pb.ts";
import type { Policy } from "@headscale/policy";
import { tailnetNamed } from "@headscale/tailnet/commands";
import type { Live } from "#live/live.ts";
import type { PolicyKeeper } from "#live/policy-keeper.ts";
import { withPlaces } from "./policy-refusal.ts";
import { actorOf } from "./scope.ts";

type PolicyRpcs = Pick<ServiceImpl<typeof HeadscaleService>, "getPolicy" | "setPolicy" | "checkPolicy">;

export function policyRpcs(live: Live, policies: PolicyKeeper): PolicyRpcs {
  return {
    getPolicy(request) {
      const { id } = tailnetNamed(live.world, request.tailnet);
      const text = policies.textOf(live.world, id);
      if (text === undefined) {
        throw new ConnectError(
          "acl policy not found: none was ever set, so everybody may reach everybody",
          Code.NotFound,
        );
      }
      // A policy out of a file has no revision and no time: clients take the missing time for "read-only".
      const revision = policies.isFile(id) ? undefined : live.world.policies.get(id);
      if (!revision) return { policy: text };
      return { policy: text, updatedAt: timestampFromMs(revision.createdAt), revision: BigInt(revision.id) };
    },
    async setPolicy(request, context) {
      const { id } = tailnetNamed(live.world, request.tailnet);
      const ifRevision = request.ifRevision === undefined ? undefined : Number(request.ifRevision);
      const set = () => policies.set(live, id, request.policy, actorOf(context), ifRevision);
      const revision = await withPlaces(request.policy, set);
      return {
        policy: revision.text,
        updatedAt: timestampFromMs(revision.createdAt),
        revision: BigInt(revision.id),
        warnings: shown(policies.documentOf(live.world, id)?.warnings ?? []),
      };
    },
    async checkPolicy(request) {
      const { id } = tailnetNamed(live.world, request.tailnet);
      return { warnings: shown(await withPlaces(request.policy, () => policies.check(live, id, request.policy))) };
    },
  };
}

function shown(warnings: Policy["warnings"]): string[] {
  return warnings.map(({ line, message }) => `line ${line}: ${message}`);
}
