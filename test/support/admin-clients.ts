import { connect } from "node:net";
import { type Client, createClient, type Interceptor, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import { AuditService } from "@headscale/gen/headscale/v1/audit_pb.ts";
import { HeadscaleService } from "@headscale/gen/headscale/v1/headscale_pb.ts";
import { NodeService } from "@headscale/gen/headscale/v1/node_pb.ts";
import { PolicyService } from "@headscale/gen/headscale/v1/policy_pb.ts";
import { TailnetService } from "@headscale/gen/headscale/v1/tailnet_pb.ts";
import { UserService } from "@headscale/gen/headscale/v1/user_pb.ts";
import { WatchService } from "@headscale/gen/headscale/v1/watch_pb.ts";

/** The admin API's services on one server, by one way. */
export interface AdminClients {
  readonly headscale: Client<typeof HeadscaleService>;
  readonly tailnets: Client<typeof TailnetService>;
  readonly users: Client<typeof UserService>;
  readonly nodes: Client<typeof NodeService>;
  readonly policy: Client<typeof PolicyService>;
  readonly watch: Client<typeof WatchService>;
  readonly audit: Client<typeof AuditService>;
}

export function adminClients(transport: Transport): AdminClients {
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

/** Every way to call the API over one port. */
export const protocols = ["Connect", "gRPC", "gRPC-Web"] as const;
export type Protocol = (typeof protocols)[number];

export interface TransportOptions {
  readonly protocol?: Protocol;
  /** Header fields that go with every call. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** Calls `http://host:port`: Connect and gRPC-Web over HTTP/1.1, gRPC over HTTP/2 without TLS. */
export function tcpTransport(url: string, { protocol = "Connect", headers = {} }: TransportOptions = {}): Transport {
  const common = { baseUrl: url, interceptors: [withHeaders(headers)], defaultTimeoutMs: 15_000 };
  // A kept connection would make the server's stop wait for it.
  const http1 = { ...common, httpVersion: "1.1", nodeOptions: { agent: false } } as const;
  if (protocol === "Connect") return createConnectTransport(http1);
  return protocol === "gRPC" ? createGrpcTransport(common) : createGrpcWebTransport(http1);
}

/** Calls the daemon of this machine by its unix socket. */
export function socketTransport(path: string, protocol: Protocol = "Connect"): Transport {
  const common = { baseUrl: "http://localhost", defaultTimeoutMs: 15_000 };
  const http1 = { ...common, httpVersion: "1.1", nodeOptions: { agent: false, socketPath: path } } as const;
  if (protocol === "Connect") return createConnectTransport(http1);
  if (protocol === "gRPC-Web") return createGrpcWebTransport(http1);
  return createGrpcTransport({ ...common, nodeOptions: { createConnection: () => connect(path) } });
}

function withHeaders(headers: Readonly<Record<string, string>>): Interceptor {
  return (next) => (request) => {
    for (const [name, value] of Object.entries(headers)) request.header.set(name, value);
    return next(request);
  };
}
