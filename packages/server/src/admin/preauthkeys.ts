import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import type { HeadscaleService } from "@headscale/gen/headscale/v1/headscale_pb.ts";
import { type PreAuthKey, type PreAuthKeyId, TailnetError } from "@headscale/tailnet";
import { authKeyIn, createAuthKey, deleteAuthKey, expireAuthKey, tailnetNamed } from "@headscale/tailnet/commands";
import { freshKey } from "#auth/secrets.ts";
import type { Live } from "#live/live.ts";
import { actorOf, idOf, inScope, tailnetsNamed, userOf } from "./scope.ts";
import { toPreAuthKey } from "./to-proto.ts";

type KeyRpcs = Pick<
  ServiceImpl<typeof HeadscaleService>,
  "createPreAuthKey" | "expirePreAuthKey" | "deletePreAuthKey" | "listPreAuthKeys"
>;

export function preAuthKeyRpcs(live: Live): KeyRpcs {
  const keyOf = (id: bigint, tailnet: string): PreAuthKey => {
    const key = authKeyIn(live.world, idOf<PreAuthKeyId>(id, "id"));
    return inScope(
      live,
      key,
      tailnet,
      () => new TailnetError("auth-key-not-found", `pre-auth key ${key.id} not found`),
    );
  };
  return {
    async createPreAuthKey(request, context) {
      const user = request.user === 0n ? undefined : userOf(live, request.user, request.tailnet);
      const tailnet = user?.tailnet ?? tailnetNamed(live.world, request.tailnet).id;
      const owner =
        user?.id ?? (request.aclTags.length === 0 ? live.world.tailnets.get(tailnet)?.defaultOwner : undefined);
      const { text, hashed } = freshKey("auth");
      const key = await live.execute(
        createAuthKey({
          ...hashed,
          tailnet,
          ...(owner !== undefined && { userId: owner }),
          reusable: request.reusable,
          ephemeral: request.ephemeral,
          tags: request.aclTags,
          ...(request.expiration && { expiresAt: timestampMs(request.expiration) }),
        }),
        actorOf(context),
      );
      return { preAuthKey: toPreAuthKey(live, key, text) };
    },
    async expirePreAuthKey(request, context) {
      await live.execute(expireAuthKey(keyOf(request.id, request.tailnet).id), actorOf(context));
      return {};
    },
    async deletePreAuthKey(request, context) {
      await live.execute(deleteAuthKey(keyOf(request.id, request.tailnet).id), actorOf(context));
      return {};
    },
    listPreAuthKeys(request) {
      const ids = new Set(tailnetsNamed(live, request.tailnet).map(({ id }) => id));
      const keys = [...live.world.authKeys.values()].filter((key) => ids.has(key.tailnet)).sort((a, b) => a.id - b.id);
      return { preAuthKeys: keys.map((key) => toPreAuthKey(live, key)) };
    },
  };
}
