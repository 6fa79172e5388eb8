import { setImmediate as turn } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Rounds } from "./rounds.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** Rounds by a clock that tests turn, and what was said in which order. */
function lab(leastGapMs = 5) {
  const clock = { now: 0 };
  const said: string[] = [];
  const rounds = new Rounds(leastGapMs, { now: () => clock.now, spentMs: () => clock.now });
  const speaker = (name: string, costMs = 0) => {
    return () => {
      said.push(name);
      clock.now += costMs;
    };
  };
  const settled = async () => {
    for (let i = 0; i < 20; i++) await turn();
  };
  const pass = async (ms: number) => {
    clock.now += ms;
    vi.advanceTimersByTime(ms);
    await settled();
  };
  return { rounds, said, speaker, settled, pass };
}

describe("Rounds", () => {
  test("lets a lone change out without waiting for any timer", async () => {
    const { rounds, said, speaker, settled } = lab(60_000);
    rounds.ask(speaker("a"));
    expect(said).toEqual([]);
    await settled();
    expect(said).toEqual(["a"]);
  });

  test("gives everybody who asked one turn, however often they asked and however many they are", async () => {
    const { rounds, said, speaker, settled } = lab();
    const names = Array.from({ length: 1000 }, (_, i) => `s${i}`);
    const speakers = names.map((name) => speaker(name));
    for (const ask of [...speakers, ...speakers]) rounds.ask(ask);
    await settled();
    expect(said).toEqual(names);
  });

  test("keeps what comes right after a round for the next one", async () => {
    const { rounds, said, speaker, settled, pass } = lab(5);
    rounds.ask(speaker("a"));
    await settled();
    rounds.ask(speaker("b"));
    rounds.ask(speaker("c"));
    await pass(4);
    expect(said).toEqual(["a"]);
    await pass(1);
    expect(said).toEqual(["a", "b", "c"]);
  });

  test.for([
    { says: "as long as it took, after one change", news: 1, costMs: 40, gapMs: 40 },
    { says: "several times as long, after many changes", news: 5, costMs: 40, gapMs: 160 },
    { says: "eight times as long at most", news: 1000, costMs: 40, gapMs: 320 },
    { says: "a second at most", news: 1000, costMs: 700, gapMs: 1000 },
    { says: "the shortest gap at least", news: 0, costMs: 1, gapMs: 5 },
  ])("pauses after a round $says", async ({ news, costMs, gapMs }) => {
    const { rounds, said, speaker, settled, pass } = lab(5);
    for (let i = 0; i < news; i++) rounds.note();
    rounds.ask(speaker("first", costMs));
    await settled();
    rounds.ask(speaker("next"));
    await pass(gapMs - 1);
    expect(said).toEqual(["first"]);
    await pass(1);
    expect(said).toEqual(["first", "next"]);
  });

  test("counts a storm once: a quiet round after it makes the gap short again", async () => {
    const { rounds, said, speaker, settled, pass } = lab(5);
    for (let i = 0; i < 100; i++) rounds.note();
    rounds.ask(speaker("storm", 40));
    await settled();
    await pass(320);
    rounds.note();
    rounds.ask(speaker("calm", 10));
    await settled();
    rounds.ask(speaker("next"));
    await pass(10);
    expect(said).toEqual(["storm", "calm", "next"]);
  });
});
