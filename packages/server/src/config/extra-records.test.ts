import { describe, expect, test } from "vitest";
import { ExtraRecordsError, parseExtraRecords } from "./extra-records.ts";

const grafana = { Name: "grafana.example.com", Type: "A", Value: "100.64.0.3" };

describe("parseExtraRecords", () => {
  test("reads names in any letter case, and drops duplicates", () => {
    const text = JSON.stringify([
      grafana,
      { name: grafana.Name, type: "A", value: grafana.Value },
      { Name: "b.example.com", Value: "fd7a::1" },
    ]);
    expect(parseExtraRecords(text, 10_000)).toEqual([grafana, { Name: "b.example.com", Type: "", Value: "fd7a::1" }]);
  });

  test("tells an empty file from an empty list", () => {
    expect(parseExtraRecords(" \n", 1)).toBeUndefined();
    expect(parseExtraRecords("[]", 1)).toEqual([]);
  });

  test.for([
    { says: "what is no JSON", text: "- name: a", code: "bad-json" },
    { says: "an object", text: "{}", code: "bad-json" },
    { says: "an entry without a name", text: '[{"Value": "1.2.3.4"}]', code: "bad-record" },
    { says: "an entry that is null", text: "[null]", code: "bad-record" },
    { says: "a value that is a number", text: '[{"Name": "a", "Value": 1}]', code: "bad-record" },
    { says: "more records than anybody has", text: `[${"0,".repeat(10_000)}0]`, code: "too-many" },
  ])("refuses $says", ({ text, code }) => {
    expect(() => parseExtraRecords(text, 10_000)).toThrow(expect.objectContaining({ name: "ExtraRecordsError", code }));
  });

  test("refuses the file wherever it is cut", () => {
    const text = JSON.stringify([grafana]);
    for (let length = 1; length < text.length; length++)
      expect(() => parseExtraRecords(text.slice(0, length), 10)).toThrow(ExtraRecordsError);
  });
});
