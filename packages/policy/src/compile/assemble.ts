import type { FilterRule, NetPortRange } from "@headscale/tailcfg";
import type { Piece } from "./deliver.ts";
import type { TextTable } from "./text-table.ts";

/** A rule under construction: pieces with the same sources and protocol become one rule. */
export interface Draft {
  readonly rule: FilterRule;
  readonly pieces: readonly Piece[];
  /** Same for pieces that merge; `undefined` for capabilities, which never do. */
  readonly key: string | undefined;
}

/**
 * Merges pieces with equal sources and protocol; destinations are appended, duplicates stay.
 * The merged rule stands where its first piece stood.
 */
export function mergePieces(pieces: Iterable<Piece>, table: TextTable): Draft[] {
  const drafts: { pieces: Piece[]; key: string | undefined }[] = [];
  const byKey = new Map<string, { pieces: Piece[]; key: string | undefined }>();
  for (const piece of pieces) {
    const key = mergeKey(piece, table);
    const open = key === undefined ? undefined : byKey.get(key);
    if (open !== undefined) {
      open.pieces.push(piece);
      continue;
    }
    const draft = { pieces: [piece], key };
    drafts.push(draft);
    if (key !== undefined) byKey.set(key, draft);
  }
  return drafts.map(({ pieces: parts, key }) => ({ pieces: parts, key, rule: ruleOf(parts) }));
}

export function mergeKey(piece: Pick<Piece, "unit" | "sources">, table: TextTable): string | undefined {
  return piece.unit.kind === "network" ? `${table.idOf(piece.sources)}|${piece.unit.protocol ?? ""}` : undefined;
}

function ruleOf(pieces: readonly Piece[]): FilterRule {
  const [first] = pieces as readonly [Piece, ...Piece[]];
  if (first.unit.kind !== "network") return { SrcIPs: first.sources, CapGrant: first.grants };
  const DstPorts: readonly NetPortRange[] =
    pieces.length === 1 ? first.destinations : pieces.flatMap((piece) => piece.destinations);
  const { protocol } = first.unit;
  return protocol === undefined
    ? { SrcIPs: first.sources, DstPorts }
    : { SrcIPs: first.sources, DstPorts, IPProto: [protocol] };
}
