import { fc, test as prop } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import { CowMap } from "./cow-map.ts";

const key = fc.oneof(fc.nat(300), fc.string({ maxLength: 3 }));
const act = fc.oneof(
  { weight: 3, arbitrary: fc.record({ set: key, value: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ remove: key }) },
);
type Key = string | number;

const sorted = <V>(entries: Iterable<readonly [Key, V]>) =>
  [...entries].sort(([a], [b]) => (`${typeof a}${a}` < `${typeof b}${b}` ? -1 : 1));

describe("CowMap", () => {
  prop.prop([fc.array(act, { maxLength: 400 })])("holds what a Map would, and so does every map before it", (acts) => {
    let map = CowMap.empty<Key, number>();
    const plain = new Map<Key, number>();
    const history: [CowMap<Key, number>, [Key, number][]][] = [];
    for (const [i, one] of acts.entries()) {
      if (i % 50 === 0) history.push([map, sorted(plain) as [Key, number][]]);
      if ("set" in one) {
        map = map.with(one.set, one.value);
        plain.set(one.set, one.value);
      } else {
        map = map.without(one.remove);
        plain.delete(one.remove);
      }
      const touched = "set" in one ? one.set : one.remove;
      expect([map.get(touched), map.has(touched), map.size]).toEqual([
        plain.get(touched),
        plain.has(touched),
        plain.size,
      ]);
    }
    expect(sorted(map)).toEqual(sorted(plain));
    expect(new Set(map.keys())).toEqual(new Set(plain.keys()));
    expect([...map.values()].sort()).toEqual([...plain.values()].sort());
    for (const [old, entries] of history) expect(sorted(old)).toEqual(entries);
  });

  prop.prop([fc.array(fc.tuple(key, fc.nat()), { maxLength: 300 })])(
    "made of a list is the same as made one by one",
    (entries) => {
      const grown = entries.reduce((map, [k, v]) => map.with(k, v), CowMap.empty<Key, number>());
      const made = CowMap.from<Key, number>(entries);
      expect(sorted(made)).toEqual(sorted(grown));
      expect(made.size).toBe(grown.size);
    },
  );

  test("keeps the number 1 and the text 1 apart", () => {
    const map = CowMap.empty<Key, string>().with(1, "number").with("1", "text");
    expect([map.get(1), map.get("1"), map.size]).toEqual(["number", "text", 2]);
  });

  test("may hold undefined, which is not the same as nothing", () => {
    const map = CowMap.empty<string, undefined>().with("a", undefined);
    expect([map.has("a"), map.size, map.without("a").size]).toEqual([true, 1, 0]);
  });

  test("without a key that it does not hold is itself", () => {
    const map = CowMap.from([["a", 1]] as const);
    expect(map.without("b" as "a")).toBe(map);
  });
});
