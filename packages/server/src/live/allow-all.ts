import { isExitRoute, type Prefix } from "@headscale/netip";
import type {
  Affected,
  CompiledPolicy,
  CompileInput,
  NodeRoutes,
  PolicyChange,
  PolicyNode,
  PolicyUpdate,
} from "@headscale/policy";

const none: NodeRoutes = { allowed: [], primary: [] };
const open = [{ SrcIPs: ["*"], DstPorts: [{ IP: "*", Ports: { First: 0, Last: 65535 } }] }];

class AllowAll implements CompiledPolicy {
  readonly policy = undefined;
  readonly definedTags: ReadonlySet<string> = new Set();
  readonly nodes: ReadonlyMap<number, PolicyNode>;
  readonly #ids: readonly number[];
  readonly #routes = new Map<number, NodeRoutes>();
  constructor(nodes: ReadonlyMap<number, PolicyNode>) {
    this.nodes = nodes;
    this.#ids = [...nodes.keys()].sort((a, b) => a - b);
  }
  filterRules = () => open;
  packetFilters = () => ({ base: open });
  peersOf = () => this.#ids;
  canSee = (a: number, b: number) => this.nodes.has(a) && this.nodes.has(b);
  routesFor = (_viewer: number, peer: number): NodeRoutes => {
    let routes = this.#routes.get(peer);
    if (!routes) {
      const node = this.nodes.get(peer);
      const approved = node?.advertisedRoutes.filter((prefix) => node.approvedRoutes.includes(prefix)) ?? [];
      const primary = approved.filter((prefix) => !isExitRoute(prefix) && node?.primaryFor?.includes(prefix));
      routes = { allowed: [...primary, ...approved.filter(isExitRoute)], primary };
      this.#routes.set(peer, routes);
    }
    return routes;
  };
  selfRoutes = (id: number): NodeRoutes => {
    const node = this.nodes.get(id);
    const allowed = node?.advertisedRoutes.filter((prefix) => node.approvedRoutes.includes(prefix)) ?? [];
    return { allowed, primary: this.routesFor(id, id).primary };
  };
  visibleAddresses = (id: number) => {
    const { v4, v6 } = this.nodes.get(id)?.addresses ?? {};
    return [v4, v6].filter((addr) => addr !== undefined);
  };
  sshPolicy = () => undefined;
  sshCheck = () => undefined;
  selfCapabilities = () => ({});
  peerCapabilities = () => ({});
  autoApprovedRoutes = (): readonly Prefix[] => [];
  mayHostService = () => false;
  mayAssignTag = () => false;
}
void none;

export function compilePolicy(input: CompileInput): CompiledPolicy {
  return new AllowAll(new Map([...input.nodes].map((node) => [node.id, node])));
}

export function updatePolicy(before: CompiledPolicy, change: PolicyChange): PolicyUpdate {
  const old = (before as AllowAll).nodes;
  const nodes = new Map(old);
  for (const node of change.putNodes ?? []) nodes.set(node.id, node);
  for (const id of change.removedNodes ?? []) nodes.delete(id);
  const added = [...nodes.keys()].filter((id) => !old.has(id));
  const removed = [...old.keys()].filter((id) => !nodes.has(id));
  const changed = (change.putNodes ?? []).map(({ id }) => id).filter((id) => old.has(id));
  const viewers = [...nodes.keys()];
  const affected: Affected = {
    filters: [],
    peers: new Map(added.length + removed.length === 0 ? [] : viewers.map((id) => [id, { added, removed }])),
    routes: new Map(viewers.map((id) => [id, changed.filter((peer) => peer !== id)])),
    records: [],
    selfRoutes: changed,
    selfCapabilities: [],
    ssh: [],
  };
  return { next: new AllowAll(nodes), affected };
}
