import { fc, test as prop } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import { isLabel, labelOf, maxLabelLength, uniqueLabel } from "./hostname.ts";

describe("labelOf", () => {
  // Worked out by hand from tailscale util/dnsname/dnsname.go@de9ec7ee SanitizeHostname.
  test.for([
    ["laptop", "laptop"],
    ["Joe's Mac mini", "joes-mac-mini"],
    ["Test@Host", "test-host"],
    ["mail.server", "mail-server"],
    ["My-PC!", "my-pc"],
    ["my_box", "my-box"],
    ["box.local", "box"],
    ["box.localdomain", "box"],
    ["box.lan", "box"],
    ["box.lan.localdomain.local", "box"],
    ["box.local.lan", "box-local"],
    ["box.localhost", "box-localhost"],
    ["BOX.LOCAL", "box-local"],
    ["-_.box._-", "box"],
    ["a--b", "a--b"],
    ["a b  c", "a-b--c"],
    ["Jürgen", "jrgen"],
    ["日本 host 日本", "host"],
    ["日本", "node"],
    ["", "node"],
    [".", "node"],
    [".local", "node"],
    ["---", "node"],
    ["a".repeat(64), "a".repeat(63)],
    [`${"a".repeat(62)}-b`, "a".repeat(62)],
    // Bytes are counted before letters are dropped: 32 letters of two bytes leave no room for more.
    [`${"é".repeat(32)}abc`, "node"],
    [`${"é".repeat(30)}abcdef`, "abc"],
    [`${"é".repeat(31)}abc`, "a"],
    // No letters of other scripts that fold to ours.
    ["\u212Aelvin", "elvin"],
    ["\u017Ftrange", "trange"],
    ["host\u0000\n\tname", "hostname"],
    ["\ud800x", "x"],
  ] as const)("%j is called %s", ([hostname, label]) => {
    expect(labelOf(hostname)).toBe(label);
  });

  prop.prop([fc.oneof(fc.string({ unit: "binary" }), fc.string(), fc.stringMatching(/^[a-zA-Z0-9 ._@-]{0,80}$/))])(
    "is a label, whatever the host is called",
    (hostname) => {
      expect(isLabel(labelOf(hostname))).toBe(true);
    },
  );

  prop.prop([fc.stringMatching(/^[a-zA-Z0-9 ._@'-]{0,80}$/)])("keeps its own labels", (hostname) => {
    const label = labelOf(hostname);
    expect(labelOf(label)).toBe(label);
  });

  test("takes a host name of a megabyte as quickly as any", () => {
    expect(labelOf("x".repeat(1 << 20))).toBe("x".repeat(maxLabelLength));
    expect(labelOf("-".repeat(1 << 20))).toBe("node");
  });
});

describe("isLabel", () => {
  test.for(["a", "0", "a-b", "x".repeat(63), "a--b", "xn--p1ai"])("takes %s", (text) => {
    expect(isLabel(text)).toBe(true);
  });

  test.for(["", "-", "-a", "a-", "A", "a.b", "a_b", "ü", "a\n", "x".repeat(64), " a"])("refuses %j", (text) => {
    expect(isLabel(text)).toBe(false);
  });
});

describe("uniqueLabel", () => {
  const among =
    (...taken: string[]) =>
    (label: string) =>
      taken.includes(label);

  test.for([
    { says: "itself when it is free", label: "box", taken: [], gets: "box" },
    { says: "the first number that is free", label: "box", taken: ["box", "box-1", "box-3"], gets: "box-2" },
    {
      says: "a shorter name before the number when it is long",
      label: "a".repeat(63),
      taken: ["a".repeat(63)],
      gets: `${"a".repeat(61)}-1`,
    },
    {
      says: "no two hyphens where it was cut",
      label: `${"a".repeat(60)}-bb`,
      taken: [`${"a".repeat(60)}-bb`],
      gets: `${"a".repeat(60)}-1`,
    },
  ])("gives $says", ({ label, taken, gets }) => {
    expect(uniqueLabel(label, among(...taken))).toBe(gets);
  });

  prop.prop([fc.constantFrom("node", "a", "x".repeat(63), `${"x".repeat(59)}-yyy`), fc.integer({ min: 1, max: 120 })])(
    "gives each of many the same name a label of its own",
    (label, count) => {
      const given = new Set<string>();
      for (let i = 0; i < count; i++) given.add(uniqueLabel(label, (one) => given.has(one)));
      expect(given.size).toBe(count);
      expect([...given].every(isLabel)).toBe(true);
    },
  );
});
