import type { MapResponse, PingRequest, Node as WireNode } from "@headscale/tailcfg";
import { formatGoTime, frameMapMessage, keepAliveText } from "@headscale/tailcfg/codec";
import type { Node, NodeId } from "@headscale/tailnet";
import {
  derpMapFor,
  dnsConfigFor,
  domainOf,
  filterDelta,
  filtersFor,
  headOf,
  type Netmap,
  type NetmapView,
  noSshRules,
  ownerProfile,
  selfRecord,
} from "@headscale/tailnet/netmap";
import { PeerNews } from "./peer-news.ts";
import type { SessionSource } from "./session-source.ts";
import { touchSelf } from "./touch.ts";
import { compressPiece } from "./zstd-piece.ts";

export interface SessionTiming {
  /** Silence after which a keep-alive is sent; clients give up after 120 s. */
  keepAliveMs(): number;
  /** Changes within this time after others were told wait for each other, if not longer: see `Rounds`. */
  coalesceMs: number;
}

/** What a quiet stream says. */
export const keepAlive: readonly Uint8Array[] = [Buffer.concat(frameMapMessage([compressPiece(keepAliveText)]))];

/**
 * One map stream. It knows which peers it has sent and collects, per peer, what changed since: a set that cannot
 * outgrow the number of peers, however slow the reader is. Messages are made from the present state when they are sent.
 */
export class MapSession {
  readonly viewer: NodeId;
  /** ms since the epoch */
  readonly openedAt: number;
  readonly #source: SessionSource;
  readonly #timing: SessionTiming;
  #dirty = new Map<number, number>();
  #dirtySelf = 0;
  #sentPeers: readonly number[] = [];
  #sentFilters: Netmap["filters"] = {};
  #pings: PingRequest[] = [];
  #ended = false;
  /** Something may have to be said. */
  #isRung = false;
  /** Nothing was said for the keep-alive interval. */
  #isQuiet = false;
  /** Present while the stream waits for something to say. */
  #wake: (() => void) | undefined;
  #lastSelf: WireNode | undefined;

  constructor(viewer: NodeId, openedAt: number, source: SessionSource, timing: SessionTiming) {
    this.viewer = viewer;
    this.openedAt = openedAt;
    this.#source = source;
    this.#timing = timing;
  }

  /** Something of a peer changed: `bits` of `touch`. */
  touchPeer(id: number, bits: number): void {
    this.#dirty.set(id, (this.#dirty.get(id) ?? 0) | bits);
    this.#ring();
  }

  /** Something of the session's own part changed: `bits` of `touchSelf`. */
  touchSelf(bits: number): void {
    this.#dirtySelf |= bits;
    this.#ring();
  }

  /** Sends a ping with the next message. */
  ping(request: PingRequest): void {
    this.#pings.push(request);
    this.#ring();
  }

  /** Ends the stream after what is waiting has been said. */
  end(): void {
    this.#ended = true;
    this.#isRung = true;
    this.#wake?.();
  }

  /** Framed, compressed messages: first the whole map, then what changes, until `signal` fires or the session ends. */
  async *frames(signal: AbortSignal): AsyncGenerator<readonly Uint8Array[]> {
    // Deleted since it asked: its next request is told so.
    if (this.#isGone()) return;
    yield this.fullFrame();
    const wake = () => this.#wake?.();
    const alarm = setTimeout(() => {
      this.#isQuiet = true;
      wake();
    }, this.#timing.keepAliveMs());
    signal.addEventListener("abort", wake);
    try {
      while (!signal.aborted) {
        await this.#somethingToSay(signal);
        if (signal.aborted) return;
        // Read before the frame goes out: an end that is told meanwhile still has something to say.
        const ending = this.#ended || this.#isGone();
        const frame = this.#nextFrame() ?? (this.#isQuiet ? keepAlive : undefined);
        if (frame) yield frame;
        if (ending) return;
        // Rings that come to nothing do not count: the client hears silence.
        if (!frame) continue;
        this.#isQuiet = false;
        alarm.refresh();
      }
    } finally {
      clearTimeout(alarm);
      signal.removeEventListener("abort", wake);
    }
  }

  /** Notes that something may have to be said; a stream that waits says it in the next round. */
  #ring(): void {
    if (this.#isRung) return;
    this.#isRung = true;
    if (this.#wake) this.#source.rounds.ask(this.#turn);
  }

  readonly #turn = (): void => this.#wake?.();

  async #somethingToSay(signal: AbortSignal): Promise<void> {
    if (this.#ended || this.#isQuiet || signal.aborted) return;
    await new Promise<void>((resolve) => {
      this.#wake = () => {
        this.#wake = undefined;
        resolve();
      };
      if (this.#isRung) this.#source.rounds.ask(this.#turn);
    });
  }

  #isGone(): boolean {
    return !this.#source.view().world.nodes.has(this.viewer);
  }

  /** The whole map as one framed message of several zstd frames. */
  fullFrame(): readonly Uint8Array[] {
    const view = this.#source.view();
    const node = view.world.nodes.get(this.viewer);
    if (!node) throw new Error("a map was asked for a node that does not exist");
    this.#dirty = new Map();
    this.#dirtySelf = 0;
    this.#sentPeers = view.policy.peersOf(this.viewer);
    this.#sentFilters = filtersFor(view, node);
    this.#lastSelf = selfRecord(view, node);
    const profiles = new Map(
      [ownerProfile(view.world, node), ...this.#source.profilesOf(this.#sentPeers)].map((p) => [p.ID, p]),
    );
    const head = JSON.stringify(
      headOf(view, { ...ownPart(view, node, this.#lastSelf), filters: this.#sentFilters, profiles }),
    );
    const peers = this.#source.records.peerPieces(view, this.viewer, this.#sentPeers, (id) =>
      this.#source.routesOf(this.viewer, id),
    );
    if (peers.length === 0) return frameMapMessage([compressPiece(head)]);
    return frameMapMessage([compressPiece(`${head.slice(0, -1)},"Peers":[`), ...peers, closing]);
  }

  #nextFrame(): readonly Uint8Array[] | undefined {
    this.#isRung = false;
    const view = this.#source.view();
    const node = view.world.nodes.get(this.viewer);
    if (!node) return farewell(view, this.#lastSelf);
    // A record of one's own goes with the profile of its owner, as everybody's does.
    const ownProfile = (this.#dirtySelf & touchSelf.record) !== 0 ? node : undefined;
    const parts = [...this.#selfParts(view, node), ...this.#peerParts(view, ownProfile)];
    const ping = this.#pings.shift();
    if (ping) parts.push(`"PingRequest":${JSON.stringify(ping)}`);
    if (this.#pings.length > 0) this.#ring();
    return parts.length === 0 ? undefined : [this.#source.shared(`{${parts.join(",")}}`)];
  }

  #selfParts(view: NetmapView, node: Node): string[] {
    const bits = this.#dirtySelf;
    this.#dirtySelf = 0;
    if (bits === 0) return [];
    if ((bits & touchSelf.record) !== 0) this.#lastSelf = selfRecord(view, node);
    const message: MapResponse = {
      ...((bits & touchSelf.record) !== 0 &&
        this.#lastSelf && { Node: this.#lastSelf, ControlTime: formatGoTime(view.now) }),
      ...((bits & touchSelf.derpMap) !== 0 && { DERPMap: derpMapFor(view.derpMap, view.presence(node.id).capVersion) }),
      ...((bits & touchSelf.dns) !== 0 && { DNSConfig: dnsConfigFor(view, node) }),
      ...((bits & touchSelf.ssh) !== 0 && { SSHPolicy: view.policy.sshPolicy(node.id) ?? noSshRules }),
      ...((bits & touchSelf.filters) !== 0 && this.#filterPart(filtersFor(view, node))),
    };
    const text = JSON.stringify(message);
    return text === "{}" ? [] : [text.slice(1, -1)];
  }

  #filterPart(filters: Netmap["filters"]): Pick<MapResponse, "PacketFilters"> {
    const delta = filterDelta({ filters: this.#sentFilters }, { filters });
    this.#sentFilters = filters;
    return Object.keys(delta).length > 0 ? { PacketFilters: delta } : {};
  }

  #peerParts(view: NetmapView, ownProfile: Node | undefined): string[] {
    const visible = view.policy.peersOf(this.viewer);
    const dirty = this.#dirty;
    const said = new PeerNews(view, this.viewer, this.#source);
    if (ownProfile) said.profile(ownProfile);
    for (const id of dirty.size === 1 ? dirty.keys() : [...dirty.keys()].sort((a, b) => a - b)) {
      if (id === this.viewer) continue;
      said.add(id, dirty.get(id) ?? 0, includes(this.#sentPeers, id), includes(visible, id));
    }
    if (dirty.size > 0) this.#dirty = new Map();
    this.#sentPeers = visible;
    return said.parts();
  }
}

const closing = compressPiece("]}");

function ownPart(
  view: NetmapView,
  node: Node,
  self: WireNode,
): Pick<Netmap, "self" | "ssh" | "dns" | "derpMap" | "domain"> {
  return {
    self,
    ssh: view.policy.sshPolicy(node.id) ?? noSshRules,
    dns: dnsConfigFor(view, node),
    derpMap: derpMapFor(view.derpMap, view.presence(node.id).capVersion),
    domain: domainOf(view),
  };
}

/** Last words to a node that no longer exists: told that its key has expired, the client asks its user to log in. */
function farewell(view: NetmapView, last: WireNode | undefined): readonly Uint8Array[] | undefined {
  if (!last) return undefined;
  const self: WireNode = { ...last, Expired: true, MachineAuthorized: false, KeyExpiry: formatGoTime(view.now - 1000) };
  return frameMapMessage([compressPiece(JSON.stringify({ ControlTime: formatGoTime(view.now), Node: self }))]);
}

/** Whether an ascending list holds `id`. */
function includes(sorted: readonly number[], id: number): boolean {
  let [low, high] = [0, sorted.length - 1];
  while (low <= high) {
    const middle = (low + high) >> 1;
    const found = sorted[middle] as number;
    if (found === id) return true;
    if (found < id) low = middle + 1;
    else high = middle - 1;
  }
  return false;
}
