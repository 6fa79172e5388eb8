import type { ServiceImpl } from "@connectrpc/connect";
import type { HeadscaleService } from "@headscale/gen/headscale/v1/headscale_pb.ts";
import { type AuthRequestId, parseAuthRequestId, TailnetError, wishedTailnet } from "@headscale/tailnet";
import { approveRequest, completeRegistration, rejectRequest, tailnetNamed } from "@headscale/tailnet/commands";
import { letIn } from "#auth/let-in.ts";
import type { Live } from "#live/live.ts";
import { actorOf, tailnetsNamed, userNamed } from "./scope.ts";
import { toNode } from "./to-proto.ts";

type AuthRpcs = Pick<
  ServiceImpl<typeof HeadscaleService>,
  "registerNode" | "authRegister" | "authApprove" | "authReject"
>;

/** The auth id as the login page shows it; people also paste the part behind the prefix. */
function authIdOf(text: string) {
  const trimmed = text.trim();
  return parseAuthRequestId(/^[0-9a-f]{24}$/.test(trimmed) ? `hskey-authreq-${trimmed}` : trimmed);
}

export function authRpcs(live: Live): AuthRpcs {
  const register = async (request: { tailnet: string; user: string; authId: string }, actor: string) => {
    const authId = authIdOf(request.authId);
    const waiting = live.world.authRequests.get(authId)?.purpose;
    const wish = request.tailnet === "" && waiting?.kind === "register" ? waiting.wish : undefined;
    const wished = wish && wishedTailnet(live.world, wish, live.settings.baseDomain);
    const user = userNamed(live, wished ?? tailnetNamed(live.world, request.tailnet), request.user);
    const command = completeRegistration({ authId, user, method: "cli" });
    const node = await letIn(live, authId, command, actor, (registered) => registered);
    return { node: toNode(live, node, { inList: false }) };
  };
  /** An SSH check happens in its node's tailnet; a device that waits is in none yet. @throws {TailnetError} */
  const scoped = ({ tailnet, authId }: { readonly tailnet: string; readonly authId: string }): AuthRequestId => {
    const id = authIdOf(authId);
    const purpose = live.world.authRequests.get(id)?.purpose;
    const node = purpose?.kind === "ssh-check" ? live.world.nodes.get(purpose.dst) : undefined;
    const scope = tailnetsNamed(live, tailnet);
    if (node && tailnet !== "" && !scope.some((one) => one.id === node.tailnet))
      throw new TailnetError("auth-request-not-found", "no login waits under this auth id in this namespace");
    return id;
  };
  return {
    registerNode: (request, context) => register({ ...request, authId: request.key }, actorOf(context)),
    authRegister: (request, context) => register(request, actorOf(context)),
    async authApprove(request, context) {
      await live.execute(approveRequest(scoped(request)), actorOf(context));
      return {};
    },
    async authReject(request, context) {
      await live.execute(rejectRequest(scoped(request)), actorOf(context));
      return {};
    },
  };
}
