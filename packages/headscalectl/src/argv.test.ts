import { describe, expect, test } from "vitest";
import { outputOf, settleShortFlags } from "./argv.ts";

describe("settleShortFlags", () => {
  test.for([
    { says: "a namespace before the command", line: "-n lab node list", settled: "-n lab node list" },
    { says: "a namespace behind it", line: "node list -n lab", settled: "node list -n lab" },
    {
      says: "a value that touches its flag",
      line: "-nlab -ojson node list -cx.yaml",
      settled: "-n=lab -o=json node list -c=x.yaml",
    },
    { says: "a user's name behind users", line: "users destroy -n bob", settled: "users destroy --name bob" },
    { says: "a user's name with =", line: "user list -n=bob", settled: "user list --name=bob" },
    { says: "a user's name that touches its flag", line: "users list -nbob", settled: "users list --name=bob" },
    { says: "a namespace before users", line: "-n lab users list -n bob", settled: "-n lab users list --name bob" },
    { says: "users as a namespace's name", line: "-n users node list -n x", settled: "-n users node list -n x" },
    {
      says: "users behind other global flags",
      line: "-o json --api-key k users list -n bob",
      settled: "-o json --api-key k users list --name bob",
    },
    { says: "long flags", line: "users list --namespace lab", settled: "users list --namespace lab" },
    { says: "what is behind --", line: "users create -- -n", settled: "users create -- -n" },
    { says: "what everybody tries first", line: "--version", settled: "version" },
    { says: "nothing at all", line: "", settled: "" },
  ])("understands $says", ({ line, settled }) => {
    expect(settleShortFlags(line.split(" ")).join(" ")).toBe(settled);
  });
});

describe("outputOf", () => {
  test.for([
    { line: "-o json node list", format: "json" },
    { line: "node list -oyaml", format: "yaml" },
    { line: "node list --output=json-line", format: "json-line" },
    { line: "-o yaml node list -o json", format: "json" },
    { line: "node list", format: undefined },
    { line: "node list -o", format: undefined },
  ])("reads $format from: $line", ({ line, format }) => {
    expect(outputOf(line.split(" "))).toBe(format);
  });
});
