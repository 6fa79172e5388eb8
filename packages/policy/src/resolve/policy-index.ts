import type { Policy } from "#syntax/policy-document.ts";
import type { Selector } from "#syntax/selector.ts";
import { AddressIndex } from "./address-index.ts";
import type { NodeFacts } from "./node-facts.ts";
import { PeopleIndex } from "./people-index.ts";
import { type SelectorSpec, specOf } from "./selector-spec.ts";
import type { UserDirectory } from "./user-directory.ts";

/** A list of sources that several rules may share. `postures`: any of them suffices; empty = not asked. */
export interface SourceSpec {
  readonly selectors: readonly number[];
  readonly postures: readonly string[];
  /** The list as text, for names that stay the same from one policy to the next. */
  readonly label: string;
}

/** Who receives a rule. */
export type DestSpec =
  | { readonly kind: "selectors"; readonly selectors: readonly number[]; readonly capability: boolean }
  /** Only routers with one of the tags, for routes that the destinations overlap. */
  | { readonly kind: "via"; readonly tags: readonly number[]; readonly selectors: readonly number[] }
  /** The nodes that a list of sources denotes. */
  | { readonly kind: "sources"; readonly source: number };

export interface Usage {
  readonly sources: readonly (readonly number[])[];
  readonly dests: readonly (readonly number[])[];
  /** Receiver lists that name it behind `via`. */
  readonly tagged: readonly (readonly number[])[];
}

/** Every selector, source list and receiver list of a policy, each kept once under a number. */
export class PolicyIndex {
  readonly policy: Policy | undefined;
  readonly selectors: SelectorSpec[] = [];
  readonly sources: SourceSpec[] = [];
  readonly dests: DestSpec[] = [];
  readonly people = new PeopleIndex();
  readonly postures = new Set<string>();
  /** Selectors by kinds that need looking after: `*` and its like, the internet, services. */
  readonly opens: number[] = [];
  readonly internets: number[] = [];
  readonly services: number[] = [];
  /** Receiver lists that are the nodes of a source list → that list. */
  readonly companions = new Map<number, number>();
  #addresses: AddressIndex | undefined;
  readonly #selectorIds = new Map<string, number>();
  readonly #sourceIds = new Map<string, number>();
  readonly #destIds = new Map<string, number>();
  readonly #texts: string[] = [];
  #usage: Usage | undefined;

  constructor(policy: Policy | undefined) {
    this.policy = policy;
  }

  /** Finds literal selectors by address; complete once all selectors are in. */
  get addresses(): AddressIndex {
    this.#addresses ??= new AddressIndex(this.#literals());
    return this.#addresses;
  }

  *#literals() {
    for (const [id, spec] of this.selectors.entries()) if (spec.kind === "literal") yield [id, spec.set] as const;
  }

  selector(selector: Selector): number {
    const key = selector.kind === "autogroup" ? `autogroup:${selector.name}` : selector.text;
    const known = this.#selectorIds.get(key);
    if (known !== undefined) return known;
    const id = this.selectors.length;
    const spec = specOf(selector, this.policy);
    this.#selectorIds.set(key, id);
    this.selectors.push(spec);
    this.#texts.push(key);
    if (spec.kind === "people") this.people.add(id, selector, this.policy);
    else if (spec.kind === "internet") this.internets.push(id);
    else if (spec.kind === "service") this.services.push(id);
    else if (spec.kind !== "literal") this.opens.push(id);
    return id;
  }

  source(selectors: readonly Selector[], postures: readonly string[]): number {
    const ids = [...new Set(selectors.map((selector) => this.selector(selector)))].sort((a, b) => a - b);
    for (const posture of postures) this.postures.add(posture);
    const key = `${ids.join(",")}|${postures.join(",")}`;
    return intern(this.#sourceIds, key, this.sources, () => {
      const label = [...ids.map((id) => this.#texts[id]).sort(), ...postures].join(",");
      return { selectors: ids, postures, label };
    });
  }

  /** By selector: the source lists and receiver lists that contain it; complete once all lists are in. */
  get usage(): Usage {
    this.#usage ??= {
      sources: invert(
        this.selectors.length,
        this.sources.map(({ selectors }) => selectors),
      ),
      dests: invert(this.selectors.length, this.dests.map(selectorsOfDest)),
      tagged: invert(
        this.selectors.length,
        this.dests.map((spec) => (spec.kind === "via" ? spec.tags : [])),
      ),
    };
    return this.#usage;
  }

  /** A selector as it was written. */
  textOf(selector: number): string {
    return this.#texts[selector] ?? "";
  }

  /** Tells of any node whether the selector, known to the policy or not, denotes it by owner or tag. */
  lookup(selector: Selector): (facts: NodeFacts, directory: UserDirectory) => boolean {
    const people = new PeopleIndex();
    people.add(0, selector, this.policy);
    return (facts, directory) => people.selectorsOf(facts, directory).has(0);
  }

  dest(spec: DestSpec): number {
    const id = intern(this.#destIds, JSON.stringify(spec), this.dests, () => spec);
    if (spec.kind === "sources") this.companions.set(id, spec.source);
    return id;
  }
}

function intern<T>(ids: Map<string, number>, key: string, items: T[], make: () => T): number {
  const known = ids.get(key);
  if (known !== undefined) return known;
  const id = items.length;
  ids.set(key, id);
  items.push(make());
  return id;
}

function selectorsOfDest(spec: DestSpec): readonly number[] {
  return spec.kind === "sources" ? [] : spec.selectors;
}

function invert(length: number, lists: readonly (readonly number[])[]): number[][] {
  const inverted: number[][] = Array.from({ length }, () => []);
  for (const [id, selectors] of lists.entries()) for (const selector of selectors) inverted[selector]?.push(id);
  return inverted;
}
