import type { PresenceMove, SharedPresence } from "@headscale/store";
import type { Hostinfo, MapRequest } from "@headscale/tailcfg";
import type { Command, Node, NodeId, Presence, TailnetId, World } from "@headscale/tailnet";
import { deleteNode } from "@headscale/tailnet/commands";
import type { ChangeFeed } from "./change-feed.ts";
import type { HostReports } from "./host-reports.ts";
import type { Lifetimes } from "./lifetimes.ts";
import type { LiveTailnet } from "./live-tailnet.ts";
import type { MapSession } from "./map-session.ts";
import type { PresenceBook, PresenceMark } from "./presence-book.ts";
import { afterReport, mergeHostinfo } from "./presence-rules.ts";

export interface AttendanceOptions {
  readonly book: PresenceBook;
  readonly lifetimes: Lifetimes;
  readonly reports: HostReports;
  readonly feed: ChangeFeed;
  readonly now: () => number;
  world(): World;
  tailnet(id: TailnetId): LiveTailnet;
  execute<R>(command: Command<R>, actor: string): Promise<R>;
}

/** What came of the presence that other daemons wrote. */
export interface TakenIn {
  /** Nodes that this daemon does not know, or not yet. */
  readonly unknown: readonly NodeId[];
  /** Nodes of which this daemon has something to write first. */
  readonly newer: readonly NodeId[];
}

/** Who is here: nodes with a map stream on this daemon, nodes with one on another, and what they all report. */
export class Attendance {
  readonly #options: AttendanceOptions;
  /** Nodes that are connected to another daemon, and which. */
  readonly #elsewhere = new Map<NodeId, string>();
  #lookElsewhere: ((id: NodeId) => Promise<void>) | undefined;

  constructor(options: AttendanceOptions) {
    this.#options = options;
  }

  /** `look` reads anew what other daemons say of a node. */
  shareWithOthers(look: (id: NodeId) => Promise<void>): void {
    this.#lookElsewhere = look;
  }

  /** Whether the node is connected to another daemon than this one. */
  isElsewhere(id: NodeId): boolean {
    return this.#elsewhere.has(id);
  }

  /** Takes in what a client reports with a map request. */
  async report(node: Node, request: MapRequest): Promise<void> {
    const before = this.#options.book.get(node.id);
    const after = afterReport(before, request);
    this.#set(node.id, after);
    await this.#options.reports.write(node.id, before.hostinfo, after.hostinfo);
  }

  /** Takes in the Hostinfo of a registration, so that routes and names are known before the first map request. */
  async noteHostinfo(node: Node, hostinfo: Hostinfo, capVersion: number): Promise<void> {
    const before = this.#options.book.get(node.id);
    const merged = mergeHostinfo(before.hostinfo, hostinfo);
    this.#set(node.id, { ...before, hostinfo: merged, capVersion });
    await this.#options.reports.write(node.id, before.hostinfo, merged);
  }

  /** Opens the node's map stream: it is online from here on. */
  connect(node: Node): MapSession {
    const { lifetimes, tailnet, book, now } = this.#options;
    lifetimes.connected(node.id);
    this.#elsewhere.delete(node.id);
    const session = tailnet(node.tailnet).openSession(node.id);
    const { unresponsive: _, ...before } = book.get(node.id);
    this.#set(node.id, { ...before, online: true, connectedAt: now() }, "came");
    return session;
  }

  /** A map stream has ended; the node goes offline after a grace period without another one. */
  disconnect(tailnet: LiveTailnet | undefined, session: MapSession): void {
    if (!tailnet?.sessions.remove(session)) return;
    if (!this.#options.world().nodes.has(session.viewer)) return;
    this.#options.lifetimes.disconnected(session.viewer);
  }

  /** The grace period without a stream is over. */
  departed(id: NodeId): void {
    const { world, book, lifetimes, now } = this.#options;
    const node = world().nodes.get(id);
    if (!node || this.#isHere(node) || this.isElsewhere(id)) return;
    this.#set(id, gone(book.get(id), now()), "left");
    lifetimes.left(node);
  }

  /** An ephemeral node has been away for too long: it goes, unless another daemon knows better. */
  async abandon(id: NodeId): Promise<void> {
    const { world, execute } = this.#options;
    await this.#lookElsewhere?.(id);
    const node = world().nodes.get(id);
    if (!node?.ephemeral || this.#isHere(node) || this.isElsewhere(id)) return;
    await execute(deleteNode(id), "system");
  }

  /** A probe found a router alive or dead. */
  setHealth(node: Node, isAlive: boolean): void {
    const { unresponsive: _, ...rest } = this.#options.book.get(node.id);
    this.#set(node.id, isAlive ? rest : { ...rest, unresponsive: true });
    this.#options.tailnet(node.tailnet).setHealth(node.id, isAlive);
  }

  forget(id: NodeId): void {
    this.#elsewhere.delete(id);
    this.#options.book.forget(id);
  }

  /** Says again of every node with a stream here that it is: others took this daemon for gone. */
  retake(tailnets: Iterable<LiveTailnet>): void {
    const { book } = this.#options;
    for (const { sessions } of tailnets) for (const id of sessions.viewers()) book.set(id, book.get(id), "came");
  }

  /** Daemons that are not among `running` are gone, and with them the nodes that were connected to them. */
  replicasGone(running: ReadonlySet<string>): void {
    const { world, book, lifetimes, now } = this.#options;
    for (const [id, replica] of this.#elsewhere) {
      if (running.has(replica)) continue;
      this.#elsewhere.delete(id);
      const node = world().nodes.get(id);
      if (!node || this.#isHere(node)) continue;
      this.#receive(node, gone(book.get(id), now()));
      lifetimes.left(node);
    }
  }

  /** Takes in what was read after `mark`: `self` is this daemon's name, `running` are those whose lease runs. */
  takeIn(
    rows: ReadonlyMap<NodeId, SharedPresence>,
    {
      mark,
      self,
      running,
    }: { readonly mark: PresenceMark; readonly self: string; readonly running: ReadonlySet<string> },
  ): TakenIn {
    const [unknown, newer]: [NodeId[], NodeId[]] = [[], []];
    for (const [id, { presence, replica }] of rows) {
      const node = this.#options.world().nodes.get(id);
      const isOther = replica !== undefined && replica !== self && running.has(replica);
      if (!node) unknown.push(id);
      else if (this.#options.book.isNewer(id, mark)) newer.push(id);
      else this.#takeOne(node, presence, isOther ? replica : undefined, replica === self);
    }
    return { unknown, newer };
  }

  #takeOne(node: Node, row: Presence, holder: string | undefined, isOurs: boolean): void {
    const { book, lifetimes, tailnet } = this.#options;
    const before = book.get(node.id);
    const session = tailnet(node.tailnet).sessions.of(node.id);
    if (holder === undefined) this.#elsewhere.delete(node.id);
    else {
      this.#elsewhere.set(node.id, holder);
      lifetimes.connected(node.id);
      // It has moved: what is left here is a connection that nobody reads.
      session?.end();
    }
    const isHere = holder === undefined && (session !== undefined || (isOurs && before.online));
    const { connectedAt: _c, unresponsive: _u, ...report } = row;
    if (holder !== undefined) {
      this.#receive(node, { ...row, online: true });
      tailnet(node.tailnet).setHealth(node.id, row.unresponsive !== true);
    } else if (isHere) {
      const { connectedAt = this.#options.now(), unresponsive } = before;
      this.#receive(node, { ...report, online: true, connectedAt, ...(unresponsive && { unresponsive }) });
    } else {
      this.#receive(node, { ...report, online: false });
      if (before.online) lifetimes.left(node);
    }
  }

  #isHere(node: Node): boolean {
    return this.#options.tailnet(node.tailnet).sessions.of(node.id) !== undefined;
  }

  #set(id: NodeId, after: Presence, move?: PresenceMove): void {
    const { book, world } = this.#options;
    const node = world().nodes.get(id);
    const before = book.get(id);
    if (!node || (move === undefined && JSON.stringify(before) === JSON.stringify(after))) return;
    book.set(id, after, move);
    this.#tell(node, before, after);
  }

  /** Another daemon wrote it down. */
  #receive(node: Node, after: Presence): void {
    const before = this.#options.book.get(node.id);
    this.#options.book.receive(node.id, after);
    if (JSON.stringify(before) !== JSON.stringify(after)) this.#tell(node, before, after);
  }

  #tell(node: Node, before: Presence, after: Presence): void {
    const { tailnet, feed, now } = this.#options;
    tailnet(node.tailnet).presenceChanged(node.id, before, after);
    if (before.online === after.online) return;
    const kind = after.online ? "node-online" : "node-offline";
    feed.publishPresence({ kind, tailnet: node.tailnet, id: node.id, at: now() });
  }
}

function gone({ connectedAt: _c, unresponsive: _u, ...before }: Presence, lastSeen: number): Presence {
  return { ...before, online: false, lastSeen };
}
