import { describe, expect, test } from "vitest";
import { LiveLab } from "#live/live.fixture.ts";
import { nodeName, sourceNames } from "./source-names.ts";

async function lab() {
  const setup = await LiveLab.open();
  const alice = await setup.user("alice");
  for (const Hostname of ["a", "b", "c"]) await setup.join(alice, { Hostname });
  return setup;
}

describe("sourceNames", () => {
  test.for([
    [["100.64.0.1"], "a"],
    [["100.64.0.2/31", "fd7a:115c:a1e0::2/127"], "b, c"],
    [["100.64.0.1-100.64.0.3"], "a, b, c"],
    [["100.64.0.0/30"], "100.64.0.0/30"],
    [["*", "10.0.0.0/8", "fd7a:115c:a1e0::/48"], "*, 10.0.0.0/8, fd7a:115c:a1e0::/48"],
    [[], ""],
  ] as const)("shows %j as %s", async ([texts, shown]) => {
    await using setup = await lab();
    expect(sourceNames(setup.live.world, texts)).toBe(shown);
  });
});

test("nodeName leaves what is no node's address", async () => {
  await using setup = await lab();
  const names = ["100.64.0.2/32", "fd7a:115c:a1e0::2", "100.64.0.9", "printer"];
  expect(names.map((text) => nodeName(setup.live.world, text))).toEqual(["b", "b", "100.64.0.9", "printer"]);
});
