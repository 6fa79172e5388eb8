import type { ConnectRouter, Interceptor, ServiceImpl } from "@connectrpc/connect";
import { HeadscaleService } from "@headscale/gen/headscale/v1/headscale_pb.ts";
import { NodeService } from "@headscale/gen/headscale/v1/node_pb.ts";
import { TailnetService } from "@headscale/gen/headscale/v1/tailnet_pb.ts";
import { UserService } from "@headscale/gen/headscale/v1/user_pb.ts";
import type { Live } from "#live/live.ts";
import { apiKeyRpcs } from "./apikeys.ts";
import { authRpcs } from "./auth-requests.ts";
import { authenticate } from "./caller.ts";
import { translateErrors } from "./errors.ts";
import { type NodePinger, nodeRpcs, nodeService } from "./nodes.ts";
import { preAuthKeyRpcs } from "./preauthkeys.ts";
import { tailnetService } from "./tailnets.ts";
import { userRpcs, userService } from "./users.ts";

export interface AdminOptions {
  readonly live: Live;
  readonly pinger: NodePinger;
  ping(): Promise<void>;
  readonly events: {
    credentialRefused(source: string): void;
    failed(where: string, error: unknown): void;
  };
}

/** What every call passes, in order: failures get their codes, callers are known. */
export function adminInterceptors({ live, events }: AdminOptions): Interceptor[] {
  return [translateErrors(events.failed), authenticate(live, events.credentialRefused)];
}

/** Registers all admin services. */
export function adminRoutes(options: AdminOptions): (router: ConnectRouter) => ConnectRouter {
  const { live, pinger } = options;
  const headscale: Partial<ServiceImpl<typeof HeadscaleService>> = {
    ...userRpcs(live),
    ...preAuthKeyRpcs(live),
    ...nodeRpcs(live),
    ...authRpcs(live),
    ...apiKeyRpcs(live),
    async health() {
      await options.ping();
      return { databaseConnectivity: true };
    },
  };
  return (router) =>
    router
      .service(HeadscaleService, headscale)
      .service(NodeService, nodeService(live, pinger))
      .service(TailnetService, tailnetService(live))
      .service(UserService, userService(live));
}
