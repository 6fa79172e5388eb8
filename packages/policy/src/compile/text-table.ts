/** Numbers equal lists of texts equally, without keeping them joined: lists can be hundreds of kilobytes long. */
export class TextTable {
  readonly #buckets = new Map<string, { readonly id: number; readonly texts: readonly string[] }[]>();
  readonly #known = new WeakMap<readonly string[], number>();
  #next = 0;

  idOf(texts: readonly string[]): number {
    const known = this.#known.get(texts);
    if (known !== undefined) return known;
    const key = `${texts.length}:${texts[0] ?? ""}:${texts.at(-1) ?? ""}`;
    const bucket = this.#buckets.get(key) ?? [];
    this.#buckets.set(key, bucket);
    const twin = bucket.find((entry) => entry.texts.every((text, index) => text === texts[index]));
    const id = twin?.id ?? this.#next++;
    if (twin === undefined) bucket.push({ id, texts });
    this.#known.set(texts, id);
    return id;
  }
}
