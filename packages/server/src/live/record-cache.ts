import type { NodeRoutes } from "@headscale/policy";
import type { Node, NodeId } from "@headscale/tailnet";
import { explicit, type NetmapView, peerRecord } from "@headscale/tailnet/netmap";
import { patchesFor } from "./peer-patches.ts";
import { compressPiece } from "./zstd-piece.ts";

/** Peers whose records are compressed together: smaller pieces compress badly, larger ones are rebuilt too often. */
const chunkBits = 6;

export const noRoutes: NodeRoutes = { allowed: [], primary: [] };

interface CachedRecord {
  readonly version: number;
  readonly text: string;
}

interface CachedPatches extends CachedRecord {
  readonly bits: number;
}

interface CachedChunk {
  /** Versions of the records inside, to know whether it still holds. */
  readonly versions: readonly number[];
  checkedAt: number;
  readonly piece: Buffer;
}

/** A run of neighbouring ids, compressed once as the start of a list and once as its continuation. */
interface Chunk {
  readonly ids: readonly number[];
  first?: CachedChunk;
  next?: CachedChunk;
}

/**
 * Records as JSON text, made once per version and route variant, and lists of them compressed in chunks that viewers
 * with the same peers share.
 */
export class RecordCache {
  readonly #versions = new Map<number, number>();
  readonly #records = new Map<number, Map<NodeRoutes, CachedRecord>>();
  readonly #patches = new Map<number, CachedPatches>();
  #lists = new WeakMap<readonly number[], readonly Chunk[]>();
  #epoch = 0;

  /** The record of this node is to be made anew. */
  invalidate(id: number): void {
    this.#versions.set(id, (this.#versions.get(id) ?? 0) + 1);
    this.#epoch++;
  }

  forget(id: number): void {
    this.#versions.delete(id);
    this.#records.delete(id);
    this.#patches.delete(id);
    this.#epoch++;
  }

  /** Everything is to be made anew. */
  invalidateAll(): void {
    this.#records.clear();
    this.#lists = new WeakMap();
    this.#epoch++;
  }

  /** JSON of the peer's record with these routes; undefined when the node is gone. */
  text(view: NetmapView, id: number, routes: NodeRoutes): string | undefined {
    const version = this.#versions.get(id) ?? 0;
    let variants = this.#records.get(id);
    const cached = variants?.get(routes);
    if (cached?.version === version) return cached.text;
    const node = view.world.nodes.get(id as NodeId);
    if (!node) return undefined;
    const text = JSON.stringify(explicit(peerRecord(view, node, routes)));
    if (!variants || (cached === undefined && variants.size > 8)) {
      variants = new Map();
      this.#records.set(id, variants);
    }
    variants.set(routes, { version, text });
    return text;
  }

  /** JSON of what `bits` of `touch` patch into the record of a peer, commas between; empty for nothing. */
  patches(view: NetmapView, node: Node, bits: number): string {
    const version = this.#versions.get(node.id) ?? 0;
    const cached = this.#patches.get(node.id);
    if (cached?.version === version && cached.bits === bits) return cached.text;
    const text = patchesFor(node, view.presence(node.id), bits)
      .map((patch) => JSON.stringify(patch))
      .join(",");
    this.#patches.set(node.id, { version, bits, text });
    return text;
  }

  /**
   * The peers of `viewer` as compressed pieces of JSON text between `[` and `]`, commas included; empty when there is
   * none. `routesOf` answers undefined for peers without routes for anybody.
   */
  peerPieces(
    view: NetmapView,
    viewer: number,
    peers: readonly number[],
    routesOf: (id: number) => NodeRoutes | undefined,
  ): readonly Buffer[] {
    const pieces: Buffer[] = [];
    for (const chunk of this.#chunks(peers)) {
      const place = pieces.length > 0 ? "next" : "first";
      const special = chunk.ids.some((id) => id === viewer || routesOf(id) !== undefined);
      const piece = special
        ? this.#ownPiece(view, viewer, chunk.ids, routesOf, place)
        : this.#sharedPiece(view, chunk, place);
      if (piece) pieces.push(piece);
    }
    return pieces;
  }

  #chunks(peers: readonly number[]): readonly Chunk[] {
    const known = this.#lists.get(peers);
    if (known) return known;
    const chunks: readonly Chunk[] = [...Map.groupBy(peers, (id) => id >> chunkBits).values()].map((ids) => ({ ids }));
    this.#lists.set(peers, chunks);
    return chunks;
  }

  #ownPiece(
    view: NetmapView,
    viewer: number,
    ids: readonly number[],
    routesOf: (id: number) => NodeRoutes | undefined,
    place: "first" | "next",
  ): Buffer | undefined {
    const texts = ids
      .filter((id) => id !== viewer)
      .flatMap((id) => this.text(view, id, routesOf(id) ?? noRoutes) ?? []);
    if (texts.length === 0) return undefined;
    return compressPiece((place === "next" ? "," : "") + texts.join(","));
  }

  #sharedPiece(view: NetmapView, chunk: Chunk, place: "first" | "next"): Buffer | undefined {
    const cached = chunk[place];
    if (cached && this.#holds(chunk.ids, cached)) return cached.piece;
    const piece = this.#ownPiece(view, 0, chunk.ids, () => undefined, place);
    if (piece) chunk[place] = { versions: this.#versionsOf(chunk.ids), checkedAt: this.#epoch, piece };
    return piece;
  }

  #versionsOf(ids: readonly number[]): readonly number[] {
    return ids.map((id) => this.#versions.get(id) ?? 0);
  }

  #holds(ids: readonly number[], chunk: CachedChunk): boolean {
    if (chunk.checkedAt === this.#epoch) return true;
    if (!ids.every((id, i) => (this.#versions.get(id) ?? 0) === chunk.versions[i])) return false;
    chunk.checkedAt = this.#epoch;
    return true;
  }
}
