import { setTimeout as delay } from "node:timers/promises";

type NotYet = undefined | false | "";

export interface Awaited<T> {
  /** The end of the sentence "waited for …". */
  readonly what: string;
  readonly withinMs: number;
  /** Undefined, false or an empty text: not yet. An error is "not yet" too, and is shown when the deadline passes. */
  readonly probe: () => Promise<T | NotYet> | T | NotYet;
  /** What to print when the deadline passes. */
  readonly evidence?: () => string;
  /** Resolves when it is worth looking again before the next regular look. */
  readonly wake?: () => Promise<unknown>;
}

const everyMs = 25;

/** Looks again and again until the probe answers. */
export async function until<T>({ what, withinMs, probe, evidence, wake }: Awaited<T>): Promise<T> {
  const deadline = performance.now() + withinMs;
  let last: unknown;
  do {
    try {
      const answer = await probe();
      if (answer !== undefined && answer !== false && answer !== "") return answer;
      last = undefined;
    } catch (error) {
      last = error;
    }
    await (wake ? Promise.race([delay(everyMs), wake()]) : delay(everyMs));
  } while (performance.now() < deadline);
  const lines = [`waited ${withinMs} ms in vain for ${what}`, last && String(last), evidence?.()];
  throw new Error(lines.filter(Boolean).join("\n"));
}
