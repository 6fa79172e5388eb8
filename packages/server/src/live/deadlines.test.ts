import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Deadlines } from "./deadlines.ts";

const day = 86_400_000;

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 });
});
afterEach(() => {
  vi.useRealTimers();
});

function lab() {
  const due: string[] = [];
  const deadlines = new Deadlines<string>((key) => due.push(`${key}@${Date.now() - 1_000_000}`), Date.now);
  const at = (ms: number) => 1_000_000 + ms;
  return { due, deadlines, at };
}

describe("Deadlines", () => {
  test("calls each when its moment has passed, in whatever order they were set, never before", () => {
    const { due, deadlines, at } = lab();
    deadlines.set("late", at(500));
    deadlines.set("early", at(100));
    deadlines.set("middle", at(300));
    vi.advanceTimersByTime(100);
    expect(due).toEqual([]);
    vi.advanceTimersByTime(1000);
    expect(due).toEqual(["early@101", "middle@301", "late@501"]);
  });

  test("calls at once what is already past", () => {
    const { due, deadlines, at } = lab();
    deadlines.set("past", at(-day));
    vi.advanceTimersByTime(1);
    expect(due).toEqual(["past@0"]);
  });

  test("moves a deadline, both ways", () => {
    const { due, deadlines, at } = lab();
    deadlines.set("a", at(100));
    deadlines.set("a", at(300));
    deadlines.set("b", at(300));
    deadlines.set("b", at(100));
    vi.advanceTimersByTime(1000);
    expect(due).toEqual(["b@101", "a@301"]);
  });

  test("forgets what was deleted", () => {
    const { due, deadlines, at } = lab();
    deadlines.set("a", at(100));
    deadlines.delete("a");
    expect(deadlines.has("a")).toBe(false);
    vi.advanceTimersByTime(1000);
    expect(due).toEqual([]);
  });

  test("waits for months, though no timer does", () => {
    const { due, deadlines, at } = lab();
    deadlines.set("far", at(180 * day));
    vi.advanceTimersByTime(180 * day);
    expect(due).toEqual([]);
    vi.advanceTimersByTime(day);
    expect(due).toHaveLength(1);
  });

  test("lets one that is due set others, move them and delete them", () => {
    const due: string[] = [];
    const deadlines: Deadlines<string> = new Deadlines((key) => {
      due.push(key);
      if (key !== "first") return;
      deadlines.set("new", Date.now() + 50);
      deadlines.delete("deleted");
      deadlines.set("moved", Date.now() + 500);
    }, Date.now);
    for (const key of ["first", "deleted", "moved"]) deadlines.set(key, Date.now() + 100);
    vi.advanceTimersByTime(200);
    expect(due).toEqual(["first", "new"]);
    vi.advanceTimersByTime(1000);
    expect(due).toEqual(["first", "new", "moved"]);
  });

  test("calls nobody after it was disposed of", () => {
    const { due, deadlines, at } = lab();
    deadlines.set("a", at(100));
    deadlines[Symbol.dispose]();
    vi.advanceTimersByTime(day);
    expect([due, vi.getTimerCount()]).toEqual([[], 0]);
  });
});
