import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import type { HeadscaleService } from "@headscale/gen/headscale/v1/headscale_pb.ts";
import { type ApiKeyId, TailnetError } from "@headscale/tailnet";
import { createApiKey, deleteApiKey, expireApiKey } from "@headscale/tailnet/commands";
import { freshKey } from "#auth/secrets.ts";
import type { KeyUses } from "#live/key-uses.ts";
import type { Live } from "#live/live.ts";
import { actorOf, idOf } from "./scope.ts";
import { toApiKey } from "./to-proto.ts";

type KeyRpcs = Pick<
  ServiceImpl<typeof HeadscaleService>,
  "createApiKey" | "expireApiKey" | "listApiKeys" | "deleteApiKey"
>;

/** Exactly one of the two names a key; prefixes may come as they are shown. @throws {TailnetError} */
function named({ prefix, id }: { readonly prefix: string; readonly id: bigint }) {
  if ((prefix === "") === (id === 0n))
    throw new TailnetError("argument-invalid", "give either prefix or id of the API key");
  if (id !== 0n) return { id: idOf<ApiKeyId>(id, "id") };
  return { prefix: prefix.replace(/^hskey-api-/, "").replace(/-?\*+$/, "") };
}

export function apiKeyRpcs(live: Live, uses: KeyUses): KeyRpcs {
  return {
    async createApiKey(request, context) {
      const { text, hashed } = freshKey("api");
      const expiresAt = request.expiration && timestampMs(request.expiration);
      await live.execute(createApiKey({ ...hashed, ...(expiresAt !== undefined && { expiresAt }) }), actorOf(context));
      return { apiKey: text };
    },
    async expireApiKey(request, context) {
      await live.execute(expireApiKey(named(request)), actorOf(context));
      return {};
    },
    async deleteApiKey(request, context) {
      await live.execute(deleteApiKey(named(request)), actorOf(context));
      return {};
    },
    async listApiKeys() {
      const lastSeen = await uses.lastSeen();
      const keys = [...live.world.apiKeys.values()].sort((a, b) => a.id - b.id);
      return { apiKeys: keys.map((key) => toApiKey(key, lastSeen.get(key.id))) };
    },
  };
}
