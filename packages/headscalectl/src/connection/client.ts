import { connect as connectSocket } from "node:net";
import { type Client, createClient, type Interceptor, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport } from "@connectrpc/connect-node";
import { AuditService } from "@headscale/gen/headscale/v1/audit_pb.ts";
import { HeadscaleService } from "@headscale/gen/headscale/v1/headscale_pb.ts";
import { NodeService } from "@headscale/gen/headscale/v1/node_pb.ts";
import { PolicyService } from "@headscale/gen/headscale/v1/policy_pb.ts";
import { TailnetService } from "@headscale/gen/headscale/v1/tailnet_pb.ts";
import { UserService } from "@headscale/gen/headscale/v1/user_pb.ts";
import { WatchService } from "@headscale/gen/headscale/v1/watch_pb.ts";
import { type Address, describeAddress } from "./address.ts";
import { callFailure, isUntrusted } from "./call-failure.ts";
import { findLocalSocket } from "./local-socket.ts";
import type { Settings } from "./settings.ts";
import { trustTheSystem } from "./system-trust.ts";

/** The admin API's services on one server. */
export interface Api {
  readonly headscale: Client<typeof HeadscaleService>;
  readonly tailnets: Client<typeof TailnetService>;
  readonly users: Client<typeof UserService>;
  readonly nodes: Client<typeof NodeService>;
  readonly policy: Client<typeof PolicyService>;
  readonly watch: Client<typeof WatchService>;
  readonly audit: Client<typeof AuditService>;
}

/** Finds the server and is ready to call it; fails calls with `CliError`. @throws {CliError} when this host's daemon is not found. */
export async function openApi(settings: Settings): Promise<Api> {
  const address: Address = settings.address ?? {
    kind: "unix",
    path: await findLocalSocket({ configured: settings.unixSocket, timeoutMs: settings.timeoutMs }),
  };
  const transport = explaining(transportTo(address, settings), describeAddress(address));
  return {
    headscale: createClient(HeadscaleService, transport),
    tailnets: createClient(TailnetService, transport),
    users: createClient(UserService, transport),
    nodes: createClient(NodeService, transport),
    policy: createClient(PolicyService, transport),
    watch: createClient(WatchService, transport),
    audit: createClient(AuditService, transport),
  };
}

function transportTo(address: Address, settings: Settings): Transport {
  // Over a socket that was found and not asked for, the file's permissions are the credential.
  const apiKey = settings.address === undefined ? undefined : settings.apiKey;
  const common = {
    baseUrl: address.kind === "unix" ? "http://localhost" : address.url,
    interceptors: apiKey === undefined ? [] : [authorized(apiKey)],
    ...(settings.timeoutMs > 0 && { defaultTimeoutMs: settings.timeoutMs }),
  };
  const tls = { rejectUnauthorized: !settings.insecure };
  if (settings.grpc) {
    const nodeOptions = address.kind === "unix" ? { createConnection: () => connectSocket(address.path) } : tls;
    return createGrpcTransport({ ...common, nodeOptions });
  }
  // A command makes one or two calls: a kept connection would only keep the process from ending.
  const nodeOptions = { agent: false as const, ...(address.kind === "unix" ? { socketPath: address.path } : tls) };
  return createConnectTransport({ ...common, httpVersion: "1.1", nodeOptions });
}

function authorized(apiKey: string): Interceptor {
  return (next) => (request) => {
    request.header.set("authorization", `Bearer ${apiKey}`);
    return next(request);
  };
}

/**
 * The same transport, whose calls fail with a sentence about the server at `where`. Not an interceptor: connect makes
 * its own error of what those throw.
 */
function explaining(transport: Transport, where: string): Transport {
  const fail = (error: unknown) => {
    throw callFailure(error, where);
  };
  // An untrusted server has seen nothing of the call, so that it can be made again.
  const again = (error: unknown) => isUntrusted(error) && trustTheSystem();
  return {
    unary: (...call) =>
      transport.unary(...call).catch((error) => (again(error) ? transport.unary(...call).catch(fail) : fail(error))),
    async stream(...call) {
      const response = await transport
        .stream(...call)
        .catch((error) => (again(error) ? transport.stream(...call).catch(fail) : fail(error)));
      return { ...response, message: explained(response.message, fail) };
    },
  };
}

async function* explained<T>(messages: AsyncIterable<T>, fail: (error: unknown) => never): AsyncIterable<T> {
  try {
    yield* messages;
  } catch (error) {
    fail(error);
  }
}
