import type { ServiceImpl } from "@connectrpc/connect";
import type { TailnetService } from "@headscale/gen/headscale/v1/tailnet_pb.ts";
import { createTailnet, deleteTailnet, renameTailnet, tailnetNamed } from "@headscale/tailnet/commands";
import type { Live } from "#live/live.ts";
import { actorOf, allTailnets, tailnetsNamed } from "./scope.ts";
import { toTailnet } from "./to-proto.ts";

export function tailnetService(live: Live): ServiceImpl<typeof TailnetService> {
  return {
    async createTailnet(request, context) {
      return { tailnet: toTailnet(live, await live.execute(createTailnet(request.name), actorOf(context))) };
    },
    listTailnets: () => ({ tailnets: tailnetsNamed(live, allTailnets).map((tailnet) => toTailnet(live, tailnet)) }),
    getTailnet: (request) => ({ tailnet: toTailnet(live, tailnetNamed(live.world, request.tailnet)) }),
    async renameTailnet(request, context) {
      const { id } = tailnetNamed(live.world, request.tailnet);
      return { tailnet: toTailnet(live, await live.execute(renameTailnet(id, request.newName), actorOf(context))) };
    },
    async deleteTailnet(request, context) {
      await live.execute(deleteTailnet(tailnetNamed(live.world, request.tailnet).id), actorOf(context));
      return {};
    },
  };
}
