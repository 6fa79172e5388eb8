import type {
  DERPMap,
  DisplayMessage,
  DNSConfig,
  FilterRule,
  MapResponse,
  Node,
  SSHPolicy,
  UserProfile,
} from "@headscale/tailcfg";
import { canonicalNode } from "./canonical-node.ts";
import { type LegacyPeerFields, PeerTable, upgraded } from "./peer-table.ts";
import { forcesRebuild } from "./rebuild.ts";

/** Newest capability version known here; what a client double claims unless told otherwise. */
export const currentVersion = 145;

/** A client's whole knowledge in one spelling, for comparison by `toEqual`. */
export interface NetmapSnapshot {
  readonly self: Node | undefined;
  /** By ID. */
  readonly peers: readonly Node[];
  /** Of self and peers only: clients keep others but use none. By ID. */
  readonly profiles: readonly UserProfile[];
  readonly filters: Readonly<Record<string, readonly FilterRule[]>>;
  readonly ssh: SSHPolicy | undefined;
  readonly dns: DNSConfig | undefined;
  readonly derpMap: DERPMap | undefined;
  readonly domain: string;
}

/** The fields of a message that a client reads and our server's type does not name. */
type AnyMessage = MapResponse &
  LegacyPeerFields & {
    readonly PacketFilter?: readonly FilterRule[] | null;
    readonly TKAInfo?: { readonly Head?: string; readonly Disabled?: boolean };
  };

/**
 * What a client knows in the course of one map stream, built up message by message exactly as a real one does.
 * Source: tailscale control/controlclient/map.go@de9ec7ee.
 */
export class ClientNetmap {
  readonly version: number;
  self: Node | undefined;
  readonly profiles = new Map<number, UserProfile>();
  readonly filters = new Map<string, readonly FilterRule[]>();
  derpMap: DERPMap | undefined;
  dns: DNSConfig | undefined;
  ssh: SSHPolicy | undefined;
  domain = "";
  collectServices = false;
  health: readonly string[] = [];
  readonly displayMessages = new Map<string, DisplayMessage>();
  tka: AnyMessage["TKAInfo"];
  /** Messages but keep-alives, and how many of them made the client build its map anew. */
  messages = 0;
  rebuilds = 0;
  readonly #peers: PeerTable;

  /** `version`: capability version of the imitated client. */
  constructor(version: number = currentVersion) {
    this.version = version;
    this.#peers = new PeerTable(version);
  }

  get peers(): ReadonlyMap<number, Node> {
    return this.#peers.nodes;
  }

  /** All named filters, one behind the other by name. */
  get packetFilter(): readonly FilterRule[] {
    return [...this.filters.keys()].sort().flatMap((name) => this.filters.get(name) ?? []);
  }

  /** The first peer of that hostname (first label of its name). */
  peerNamed(hostname: string): Node | undefined {
    return this.peers.values().find(({ Name }) => Name.split(".")[0] === hostname);
  }

  /** Takes one message. `nowMs`: ms since the epoch. */
  apply(message: AnyMessage, nowMs: number = Date.now()): void {
    if (message.KeepAlive) return;
    const peers = this.#peers.prepare(message);
    this.messages += 1;
    if (this.#deltasOff || forcesRebuild(message, peers, this.version)) this.rebuilds += 1;
    this.#peers.apply(peers, nowMs);
    if (message.Node) this.self = upgraded(message.Node);
    for (const profile of message.UserProfiles ?? []) this.profiles.set(profile.ID, profile);
    if (message.DERPMap) this.derpMap = mergedDerpMap(this.derpMap, message.DERPMap);
    if (message.PacketFilter) this.filters.set("base", message.PacketFilter);
    applyNamed(this.filters, message.PacketFilters);
    this.#applySettings(message);
  }

  snapshot(): NetmapSnapshot {
    const peers = [...this.peers.values()].sort((a, b) => a.ID - b.ID).map(canonicalNode);
    const self = this.self && canonicalNode(this.self);
    const users = new Set([self?.User, ...peers.flatMap((peer) => [peer.User, peer.Sharer])]);
    return {
      self,
      peers,
      profiles: [...this.profiles.values()].filter(({ ID }) => users.has(ID)).sort((a, b) => a.ID - b.ID),
      filters: Object.fromEntries([...this.filters].sort(([a], [b]) => (a < b ? -1 : 1))),
      ssh: this.ssh,
      dns: this.dns,
      derpMap: this.derpMap,
      domain: this.domain,
    };
  }

  get #deltasOff(): boolean {
    return "disable-delta-updates" in (this.self?.CapMap ?? {});
  }

  #applySettings(message: AnyMessage): void {
    if (message.DNSConfig) this.dns = message.DNSConfig;
    if (message.SSHPolicy) this.ssh = message.SSHPolicy;
    if (message.Domain) this.domain = message.Domain;
    if (typeof message.CollectServices === "boolean") this.collectServices = message.CollectServices;
    if (message.Health) this.health = message.Health;
    if (message.TKAInfo) this.tka = message.TKAInfo;
    applyNamed(this.displayMessages, message.DisplayMessages);
  }
}

/** A patch map: null deletes a name, `"*": null` all of them first, whatever the order in the object. */
function applyNamed<T>(target: Map<string, T>, patch: Readonly<Record<string, T | null>> | undefined | null): void {
  if (!patch) return;
  if (patch["*"] === null) target.clear();
  for (const [name, value] of Object.entries(patch)) {
    if (name === "*") continue;
    if (value === null) target.delete(name);
    else target.set(name, value);
  }
}

/** Parts left out of a new relay map keep their old value; null regions are dropped. */
function mergedDerpMap(before: DERPMap | undefined, next: DERPMap): DERPMap {
  const regions = (next.Regions as DERPMap["Regions"] | undefined) ?? before?.Regions ?? {};
  const RegionScore = next.HomeParams?.RegionScore ?? before?.HomeParams?.RegionScore;
  const omit = next.Regions ? next.omitDefaultRegions : before?.omitDefaultRegions;
  return {
    Regions: Object.fromEntries(Object.entries(regions).filter(([, region]) => region !== null)),
    ...(RegionScore && { HomeParams: { RegionScore } }),
    ...(omit !== undefined && { omitDefaultRegions: omit }),
  };
}
