import { SlotSet } from "#resolve/slot-set.ts";
import type { SourceState } from "#resolve/source-state.ts";
import type { Compilation } from "./compilation.ts";
import type { Scope } from "./scope.ts";
import type { Unit } from "./units.ts";

type Resolved = Pick<Compilation, "plan" | "resolution">;

/**
 * Scope of a change of policy, users or settings: rules that say and mean the same before and after cancel out,
 * and only who has to do with the others is looked at.
 */
export function scopeOfPolicy(before: Resolved, after: Resolved): Scope {
  const changed = changedUnits(before, after);
  const everybody = before.resolution.roster.all.union(after.resolution.roster.all);
  const receivers = changed.flatMap(({ side, unit }) => receiversOf(side, unit));
  const sources = changed.map(({ side, unit }) => side.resolution.source(unit.source).meets);
  const received = SlotSet.unionOf(receivers);
  return {
    filters: SlotSet.empty,
    maybeFilters: received,
    swapped: { nodes: SlotSet.empty, sources: new Set() },
    viewers: received.union(SlotSet.unionOf(sources)),
    prefixes: new Set([...before.resolution.roster.routes.keys(), ...after.resolution.roster.routes.keys()]),
    exitNodes: before.resolution.roster.exitNodes.union(after.resolution.roster.exitNodes),
    ssh: everybody,
    nodes: everybody,
  };
}

/** Units without an equal on the other side, as often as they have none. */
function changedUnits(before: Resolved, after: Resolved): { side: Resolved; unit: Unit }[] {
  const meanings = new Meanings(before, after);
  const open = new Map<string, Unit[]>();
  for (const unit of before.plan.units) {
    const key = meanings.keyOf(before, unit);
    const twins = open.get(key);
    if (twins === undefined) open.set(key, [unit]);
    else twins.push(unit);
  }
  const changed: { side: Resolved; unit: Unit }[] = [];
  for (const unit of after.plan.units) {
    if (open.get(meanings.keyOf(after, unit))?.pop() === undefined) changed.push({ side: after, unit });
  }
  for (const units of open.values()) for (const unit of units) changed.push({ side: before, unit });
  return changed;
}

function receiversOf({ resolution }: Resolved, { dest }: Unit): SlotSet[] {
  return dest === undefined ? [...resolution.roster.byOwner.values()] : [resolution.receivers(dest)];
}

/** Names units by what they say and what it means on their side; equal names are equal rules. */
class Meanings {
  readonly #before: Resolved;
  readonly #after: Resolved;
  readonly #sourceKeys = new Map<Resolved, string[]>();
  readonly #selectorKeys = new Map<Resolved, string[]>();

  constructor(before: Resolved, after: Resolved) {
    this.#before = before;
    this.#after = after;
    this.#nameSources();
    this.#nameSelectors();
  }

  keyOf(side: Resolved, unit: Unit): string {
    const selectors = this.#selectorKeys.get(side) ?? [];
    const targets = unit.targets.map(
      ({ selector, ports }) =>
        `${selectors[selector] ?? "self"} ${ports.map(({ First, Last }) => `${First}-${Last}`).join()}`,
    );
    const spec = unit.dest === undefined ? undefined : side.plan.index.dests[unit.dest];
    const via = spec?.kind === "via" ? spec.tags.map((tag) => selectors[tag]).join() : "";
    const to = spec?.kind === "sources" ? this.#sourceKeys.get(side)?.[spec.source] : "";
    const from = this.#sourceKeys.get(side)?.[unit.source];
    return [unit.kind, unit.protocol, from, to, via, targets.join(";"), JSON.stringify(unit.capabilities)].join("\n");
  }

  /** The same label on both sides is the same name only if the list covers the same addresses and nodes. */
  #nameSources(): void {
    const labelled = new Map(
      this.#before.plan.index.sources.map(({ label }, id) => [label, this.#before.resolution.source(id)]),
    );
    this.#sourceKeys.set(
      this.#before,
      this.#before.plan.index.sources.map(({ label }) => label),
    );
    const { index } = this.#after.plan;
    const names = index.sources.map(({ label }, id) => {
      const old = labelled.get(label);
      return old === undefined || sameSource(old, this.#after.resolution.source(id)) ? label : `new ${label}`;
    });
    this.#sourceKeys.set(this.#after, names);
  }

  #nameSelectors(): void {
    const side = (resolved: Resolved) => resolved.plan.index.selectors.map((_, id) => resolved.plan.index.textOf(id));
    const old = side(this.#before);
    const byText = new Map(old.map((text, id) => [text, id]));
    this.#selectorKeys.set(this.#before, old);
    const names = side(this.#after).map((text, id) => {
      const twin = byText.get(text);
      return twin === undefined || this.#sameSelector(twin, id) ? text : `new ${text}`;
    });
    this.#selectorKeys.set(this.#after, names);
  }

  #sameSelector(old: number, now: number): boolean {
    const [before, after] = [this.#before.plan.index.selectors[old], this.#after.plan.index.selectors[now]];
    if (before === undefined || after === undefined || before.kind !== after.kind) return false;
    if (before.kind === "literal" || before.kind === "internet") return "set" in after && before.set.equals(after.set);
    return (
      before.kind !== "service" && this.#before.resolution.holders(old).equals(this.#after.resolution.holders(now))
    );
  }
}

function sameSource(a: SourceState, b: SourceState): boolean {
  if (a.isAny !== b.isAny || a.isDanger !== b.isDanger) return false;
  return a.nodes.equals(b.nodes) && a.meets.equals(b.meets) && a.listed.equals(b.listed) && (!a.isAny || sameAny(a, b));
}

function sameAny(a: SourceState, b: SourceState): boolean {
  return a.texts.length === b.texts.length && a.texts.every((text, index) => text === b.texts[index]);
}
