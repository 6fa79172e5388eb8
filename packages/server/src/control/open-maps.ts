/** Map answers that one node may have open: a stream, the one it replaces, and a map or two asked for besides. */
const most = 4;

/** The map answers that are being written, by node. A newer one displaces the oldest: its reader is not there any more. */
export class OpenMaps {
  readonly #cuts = new Map<number, (() => void)[]>();

  /** Notes an answer that `cut` ends; the result forgets it. */
  enter(node: number, cut: () => void): () => void {
    const cuts = this.#cuts.get(node) ?? [];
    this.#cuts.set(node, cuts);
    cuts.push(cut);
    if (cuts.length > most) cuts.shift()?.();
    return () => {
      const at = cuts.indexOf(cut);
      if (at >= 0) cuts.splice(at, 1);
      if (cuts.length === 0 && this.#cuts.get(node) === cuts) this.#cuts.delete(node);
    };
  }
}
