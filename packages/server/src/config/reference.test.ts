import { describe, expect, test } from "vitest";
import { allKeys } from "./all-keys.ts";
import { parseText } from "./document.ts";
import { parseConfig } from "./parse-config.ts";
import { configReference } from "./reference.ts";
import { flatten } from "./settings.ts";
import type { Machine } from "./surroundings.ts";

const machine: Machine = { workingFolder: "/srv/hs", env: {}, localAddresses: [], readText: () => undefined };
const { file: _file, ...withoutFile } = parseConfig({}, undefined, machine).config;

function parse(yaml: string) {
  const { config, warnings, notes } = parseConfig(
    parseText(yaml, "config.example.yaml"),
    "/srv/hs/config.yaml",
    machine,
  );
  const { file: _, ...sections } = config;
  return { sections, warnings, notes };
}

/** Turns `#key: value` into `key: value`; examples stay comments unless asked for. */
function uncomment(yaml: string, withExamples: boolean): string {
  const lines = yaml.split("\n").filter((line) => withExamples || !line.endsWith(" # example"));
  return lines.map((line) => line.replace(/^(\s*)#(\w+: )/, "$1$2")).join("\n");
}

describe("configReference", () => {
  const reference = configReference();

  test("is what lies at the root of the project (write it anew with: npx vitest run reference -u)", async () => {
    await expect(reference).toMatchFileSnapshot("../../../../config.example.yaml");
  });

  test("used as a file changes nothing, except that the addresses are now written down", () => {
    const { sections, warnings } = parse(reference);
    expect(warnings).toEqual([]);
    expect(sections).toEqual({ ...withoutFile, listen: { ...withoutFile.listen, isDefault: false } });
  });

  test("tells the truth about the defaults that follow from other keys", () => {
    const { sections } = parse(uncomment(reference, false));
    expect(sections).toEqual({ ...withoutFile, listen: { ...withoutFile.listen, isDefault: false } });
  });

  test("names every key that the parser knows, and no other", () => {
    const names = Object.keys(allKeys);
    const { known, unknown } = flatten(parseText(uncomment(reference, true), "x"), (name) => names.includes(name));
    expect([...known.keys()].toSorted()).toEqual(names.toSorted());
    expect(unknown).toEqual([]);
  });

  test("shows only examples that the parser takes", () => {
    for (const spec of Object.values(allKeys)) {
      if ("example" in spec && spec.example !== undefined)
        expect(() => spec.kind.parse(spec.example ?? "")).not.toThrow();
    }
  });
});
