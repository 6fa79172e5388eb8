import { type Addr, type Prefix, parseAddr, parsePrefix, singlePrefix } from "@headscale/netip";
import {
  type CompiledPolicy,
  compileTested,
  PolicyError,
  type PolicyNode,
  type PolicyUser,
  parsePolicy,
  tailnetDomains,
} from "@headscale/policy";
import { anonymisedMessage, capturedServerUrl, hostedCapabilities, withForeignLiterals } from "./hosted-service.ts";
import { asSet, canonicalJson, capMap, filterRule, sshRule, whoIs, whoIsView } from "./normal-form.ts";
import type { CaseNode, PolicyCase, RecordedNode, RecordedView } from "./policy-case.ts";

/** What differs from the recording, one line each; none when the case passes. */
export function runCase(recorded: PolicyCase): string[] {
  try {
    const compiled = compileCase(recorded);
    return recorded.accepted
      ? compareViews(recorded, compiled)
      : [`accepted, but the service says ${recorded.message}`];
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error;
    return compareRefusal(recorded, error);
  }
}

function compareRefusal({ accepted, status, message }: PolicyCase, error: PolicyError): string[] {
  if (accepted) return [`refused: ${error.problems.map((problem) => problem.message).join("; ")}`];
  // The service failed at the policy without saying why; refusing it is all there is to agree on.
  if ((status ?? 400) >= 500) return [];
  return differing("message", error.message, anonymisedMessage(message ?? ""));
}

function compileCase(recorded: PolicyCase): CompiledPolicy {
  const users = recorded.topology.users.map(caseUser);
  const policy = parsePolicy(withForeignLiterals(recorded), { domains: tailnetDomains(users) });
  const settings = { serverUrl: capturedServerUrl };
  const nodes = Object.entries(recorded.topology.nodes).map(([host, node], index) =>
    caseNode(recorded, host, node, index + 1),
  );
  const approving = compileTested({
    policy: { ...policy, tests: [], sshTests: [] },
    users,
    nodes: [],
    settings,
  }).compiled;
  const approved = nodes.map((node) => ({ ...node, approvedRoutes: approving.autoApprovedRoutes(node) }));
  return compileTested({ policy, users, nodes: elected(recorded, approved), settings }).compiled;
}

/** The recorded tailnet's owner is its first user; all three are admins. */
function caseUser({ id, name, email }: PolicyCase["topology"]["users"][number], index: number): PolicyUser {
  return { id, name, loginName: email === "" ? name : email, roles: index === 0 ? ["owner", "admin"] : ["admin"] };
}

function caseNode({ topology }: PolicyCase, _host: string, node: CaseNode, id: number): PolicyNode {
  const owner = topology.users.find(({ name }) => name === node.user)?.id;
  const addresses = {
    ...(node.ipv4 === undefined || node.ipv4 === "" ? {} : { v4: parseAddr(node.ipv4) }),
    ...(node.ipv6 === undefined || node.ipv6 === "" ? {} : { v6: parseAddr(node.ipv6) }),
  };
  const advertisedRoutes = (node.routable_ips ?? []).map((route) => parsePrefix(route));
  return {
    id,
    tags: node.tags ?? [],
    addresses,
    advertisedRoutes,
    approvedRoutes: [],
    ...(owner === undefined ? {} : { userId: owner }),
  };
}

/** Where several routers serve a prefix, the recordings show whom the service had elected, but not why. */
function elected({ topology, nodes: views }: PolicyCase, nodes: readonly PolicyNode[]): PolicyNode[] {
  const hosts = Object.keys(topology.nodes);
  const shared = (route: Prefix) => nodes.filter(({ approvedRoutes }) => approvedRoutes.includes(route)).length > 1;
  return nodes.map((node, index) => {
    const primary = views?.[hosts[index] ?? ""]?.self.PrimaryRoutes ?? [];
    return { ...node, primaryFor: node.approvedRoutes.filter((route) => shared(route) && primary.includes(route)) };
  });
}

function compareViews({ topology, nodes }: PolicyCase, compiled: CompiledPolicy): string[] {
  const hosts = new Map(Object.keys(topology.nodes).map((host, index) => [host, index + 1]));
  return Object.entries(nodes ?? {}).flatMap(([host, view]) => {
    const viewer = new Viewer(compiled, hosts, hosts.get(host) ?? 0);
    return viewer.differences(view, topology.nodes[host]).map((line) => `${host} ${line}`);
  });
}

/** One node's side of a comparison. */
class Viewer {
  readonly #compiled: CompiledPolicy;
  readonly #hosts: ReadonlyMap<string, number>;
  readonly #id: number;

  constructor(compiled: CompiledPolicy, hosts: ReadonlyMap<string, number>, id: number) {
    this.#compiled = compiled;
    this.#hosts = hosts;
    this.#id = id;
  }

  differences(view: RecordedView, node: CaseNode | undefined): string[] {
    const rules = this.#compiled.filterRules(this.#id);
    const chunks = Object.values(this.#compiled.packetFilters(this.#id)).flat();
    return [
      ...differing("filter", rules.map(filterRule), (view.packetFilterRules ?? []).map(filterRule)),
      ...differing("filter in parts", chunks.map(filterRule).sort(), rules.map(filterRule).sort()),
      ...differing(
        "ssh",
        (this.#compiled.sshPolicy(this.#id)?.rules ?? []).map(sshRule),
        (view.sshRules ?? []).map(sshRule),
      ),
      ...this.#selfDifferences(view.self, node),
      ...this.#peerDifferences(view.peers ?? {}),
      ...(view.whois === undefined ? [] : this.#whoIsDifferences(view.whois, rules)),
    ];
  }

  #selfDifferences(self: RecordedNode, node: CaseNode | undefined): string[] {
    const routes = this.#compiled.selfRoutes(this.#id);
    const own = this.#compiled.selfCapabilities(this.#id);
    const hosted = (name: string) => hostedCapabilities.has(name) && !Object.hasOwn(own, name);
    return [
      ...differing("tags", asSet(node?.tags), asSet(self.Tags)),
      ...differing("own addresses", this.#allowed(this.#id, routes.allowed), asSet(self.AllowedIPs)),
      ...differing("own primary routes", asSet(routes.primary), asSet(self.PrimaryRoutes)),
      ...differing("own capabilities", capMap(own), capMap(self.CapMap, hosted)),
    ];
  }

  #peerDifferences(peers: Readonly<Record<string, RecordedNode>>): string[] {
    const visible = [...this.#hosts].filter(([, id]) => id !== this.#id && this.#compiled.canSee(this.#id, id));
    const listed = this.#compiled.peersOf(this.#id).filter((id) => id !== this.#id);
    const records = visible.map(([host, id]) => {
      const routes = this.#compiled.routesFor(this.#id, id);
      const capabilities = this.#compiled.peerCapabilities(id);
      return [host, peerView(this.#allowed(id, routes.allowed), routes.primary, capMap(capabilities))];
    });
    const wanted = Object.entries(peers).map(([host, peer]) => [
      host,
      peerView(peer.AllowedIPs, peer.PrimaryRoutes, capMap(peer.CapMap)),
    ]);
    return [
      ...differing("peers", Object.fromEntries(records), Object.fromEntries(wanted)),
      ...differing(
        "list of peers",
        listed,
        visible.map(([, id]) => id).sort((a, b) => a - b),
      ),
    ];
  }

  #whoIsDifferences(
    recorded: NonNullable<RecordedView["whois"]>,
    rules: ReturnType<CompiledPolicy["filterRules"]>,
  ): string[] {
    const own = this.#compiled.visibleAddresses(this.#id);
    const sources = this.#compiled
      .peersOf(this.#id)
      .flatMap((id) => (id === this.#id ? [] : this.#compiled.visibleAddresses(id)));
    const ours = Object.fromEntries(sources.map((source) => [source, whoIs(rules, source, own)]));
    return differing("whois", whoIsView(ours), whoIsView(recorded));
  }

  #allowed(id: number, routes: readonly Prefix[]): string[] {
    return asSet([...this.#compiled.visibleAddresses(id).map((addr: Addr) => singlePrefix(addr)), ...routes]);
  }
}

function peerView(
  allowed: readonly string[] | undefined,
  primary: readonly string[] | undefined,
  capabilities: string,
) {
  return { allowed: asSet(allowed), primary: asSet(primary), capabilities };
}

function differing(what: string, ours: unknown, recorded: unknown): string[] {
  const [left, right] = [canonicalJson(ours), canonicalJson(recorded)];
  return left === right ? [] : [`${what}:\n    ours     ${left}\n    recorded ${right}`];
}
