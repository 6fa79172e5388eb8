import { Writable } from "node:stream";
import { describe, expect, test } from "vitest";
import { UntakenAnswers } from "./untaken-answers.ts";

/** Takes nothing. */
const stuck = () => new Writable({ write: () => undefined });

describe("UntakenAnswers", () => {
  test("gives up on an answer that is complete and stays, not on one that goes on", async () => {
    const given: Writable[] = [];
    const answers = new UntakenAnswers<Writable>(40, (answer) => {
      given.push(answer);
      answer.destroy();
    });
    const [untaken, streaming] = [stuck(), stuck()];
    for (const answer of [untaken, streaming]) {
      answers.add(answer);
      answer.write("begun");
    }
    untaken.end();
    await expect.poll(() => given).toEqual([untaken]);
    expect(streaming.destroyed).toBe(false);
    streaming.destroy();
  });
});
