import { describe, expect, test } from "vitest";
import { defaultTailnetId, type TailnetId } from "#world/ids.ts";
import { fqdnOf, suffixOf } from "./fqdn.ts";

const tailnet = (id: number, name: string) => ({ id: id as TailnetId, name, createdAt: 0 });

describe("suffixOf", () => {
  test.for([
    {
      says: "the base domain for the default namespace",
      of: tailnet(defaultTailnetId, "default"),
      base: "example.test",
      is: "example.test",
    },
    {
      says: "its name before the base domain for any other",
      of: tailnet(2, "lab"),
      base: "example.test",
      is: "lab.example.test",
    },
    { says: "nothing without a base domain", of: tailnet(2, "lab"), base: "", is: "" },
  ])("is $says", ({ of, base, is }) => {
    expect(suffixOf(of, base)).toBe(is);
  });
});

describe("fqdnOf", () => {
  test("ends in the dot that clients expect", () => {
    expect(fqdnOf("box", "example.test")).toBe("box.example.test.");
  });

  test("is the bare label without a domain", () => {
    expect(fqdnOf("box", "")).toBe("box");
  });
});
