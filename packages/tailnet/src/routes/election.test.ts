import { describe, expect, test } from "vitest";
import type { NodeId } from "#world/ids.ts";
import { electPrimary } from "./election.ts";

const up = (id: number) => ({ id: id as NodeId, up: true });
const down = (id: number) => ({ id: id as NodeId, up: false });

describe("electPrimary", () => {
  test.for([
    { says: "nobody among none", current: undefined, candidates: [], gets: undefined },
    { says: "nobody when the primary was the last", current: 1, candidates: [], gets: undefined },
    { says: "the lowest id that is up", current: undefined, candidates: [up(9), down(1), up(3)], gets: 3 },
    {
      says: "the present one while it is up, though a lower one came back",
      current: 9,
      candidates: [up(1), up(9)],
      gets: 9,
    },
    { says: "another when the present one goes down", current: 1, candidates: [down(1), up(9)], gets: 9 },
    { says: "the present one when all are down", current: 9, candidates: [down(1), down(9)], gets: 9 },
    {
      says: "the lowest when all are down and the present one withdrew",
      current: 5,
      candidates: [down(9), down(3)],
      gets: 3,
    },
    { says: "another when the present one withdrew", current: 5, candidates: [up(9), down(3)], gets: 9 },
    { says: "the lowest by number, not by text", current: undefined, candidates: [up(10), up(9)], gets: 9 },
  ])("chooses $says", ({ current, candidates, gets }) => {
    expect(electPrimary(current as NodeId | undefined, candidates)).toBe(gets);
  });
});
