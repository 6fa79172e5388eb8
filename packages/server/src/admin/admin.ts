import type { ConnectRouter, Interceptor, ServiceImpl } from "@connectrpc/connect";
import { AuditService } from "@headscale/gen/headscale/v1/audit_pb.ts";
import { HeadscaleService } from "@headscale/gen/headscale/v1/headscale_pb.ts";
import { NodeService } from "@headscale/gen/headscale/v1/node_pb.ts";
import { PolicyService } from "@headscale/gen/headscale/v1/policy_pb.ts";
import { TailnetService } from "@headscale/gen/headscale/v1/tailnet_pb.ts";
import { UserService } from "@headscale/gen/headscale/v1/user_pb.ts";
import { WatchService } from "@headscale/gen/headscale/v1/watch_pb.ts";
import type { Store } from "@headscale/store";
import type { ApiKeyId } from "@headscale/tailnet";
import type { KeyUses } from "#live/key-uses.ts";
import type { PolicyKeeper } from "#live/policy-keeper.ts";
import { apiKeyRpcs } from "./apikeys.ts";
import { auditService } from "./audit.ts";
import { authRpcs } from "./auth-requests.ts";
import { authenticate, type Doorkeeper } from "./caller.ts";
import { translateErrors } from "./errors.ts";
import type { AdminLimits } from "./limits.ts";
import { type NodePinger, nodeRpcs, nodeService } from "./nodes.ts";
import { policyRpcs } from "./policy.ts";
import { policyService } from "./policy-service.ts";
import { preAuthKeyRpcs } from "./preauthkeys.ts";
import { tailnetService } from "./tailnets.ts";
import { userRpcs, userService } from "./users.ts";
import { watchService } from "./watch.ts";

export interface AdminOptions extends Doorkeeper {
  readonly store: Store;
  readonly policies: PolicyKeeper;
  readonly limits: AdminLimits;
  readonly keyUses: KeyUses;
  readonly version: string;
  readonly pinger: NodePinger;
  readonly events: {
    credentialRefused(source: string): void;
    failed(where: string, error: unknown): void;
  };
}

/** What every call passes, in order: failures get their codes, callers are known. */
export function adminInterceptors({ keyUses, events, ...doorkeeper }: AdminOptions): Interceptor[] {
  const heard = { used: (id: ApiKeyId) => keyUses.note(id), refused: events.credentialRefused };
  return [translateErrors(events.failed), authenticate(doorkeeper, heard)];
}

/** Registers all admin services. */
export function adminRoutes(options: AdminOptions): (router: ConnectRouter) => ConnectRouter {
  const { live, store, policies, pinger, limits } = options;
  const headscale: ServiceImpl<typeof HeadscaleService> = {
    ...userRpcs(live),
    ...preAuthKeyRpcs(live),
    ...nodeRpcs(live),
    ...authRpcs(live),
    ...apiKeyRpcs(live, options.keyUses),
    ...policyRpcs(live, policies),
    async health() {
      await store.ping();
      return { databaseConnectivity: true, version: options.version };
    },
  };
  return (router) =>
    router
      .service(HeadscaleService, headscale)
      .service(NodeService, nodeService(live, pinger, limits.pingMs))
      .service(AuditService, auditService(live, store, limits))
      .service(PolicyService, policyService(live, store, policies, limits))
      .service(WatchService, watchService(live, store, limits))
      .service(TailnetService, tailnetService(live))
      .service(UserService, userService(live));
}
