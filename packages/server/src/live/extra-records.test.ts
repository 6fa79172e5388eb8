import { rmSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { ExtraRecords } from "./extra-records.ts";
import { Folder } from "./folder.fixture.ts";

const record = (Value: string) => ({ Name: "nas.example.test", Type: "A", Value });
const text = (...values: string[]) => JSON.stringify(values.map(record));

const bounds = { fileBytes: 100_000, maxRecords: 100 };

async function watched(folder: Folder, first = text("100.64.0.1")) {
  const path = folder.write("records.json", first);
  const refused: string[] = [];
  const loaded: number[] = [];
  let changes = 0;
  const records = await ExtraRecords.open({
    records: [],
    ...bounds,
    path,
    onLoaded: (_path, count) => loaded.push(count),
    onRefused: (_path, error) => refused.push(String(error)),
  });
  records.watch(() => changes++);
  return { records, path, refused, loaded, changes: () => changes };
}

describe("ExtraRecords", () => {
  test("are those of the configuration when there is no file", async () => {
    const none = { ...bounds, onLoaded: () => undefined, onRefused: () => undefined };
    using records = await ExtraRecords.open({ records: [record("1.2.3.4")], path: undefined, ...none });
    records.watch(() => expect.unreachable());
    expect(records.current).toEqual([record("1.2.3.4")]);
  });

  test.for([
    { says: "written anew", how: (folder: Folder) => void folder.write("records.json", text("100.64.0.2")) },
    { says: "replaced by another", how: (folder: Folder) => folder.replace("records.json", text("100.64.0.2")) },
    {
      says: "removed and written again",
      how: (folder: Folder) => {
        rmSync(`${folder.path}/records.json`);
        folder.write("records.json", text("100.64.0.2"));
      },
    },
  ])("follow a file that is $says", async ({ how }) => {
    using folder = new Folder();
    const { records, changes } = await watched(folder);
    using _records = records;
    await how(folder);
    await expect.poll(() => records.current, { timeout: 5000 }).toEqual([record("100.64.0.2")]);
    expect(changes()).toBe(1);
    await folder.replace("records.json", text("100.64.0.3"));
    await expect.poll(() => records.current, { timeout: 5000 }).toEqual([record("100.64.0.3")]);
  });

  test.for([
    { says: "is no JSON", bad: "[{", error: /not valid JSON/ },
    { says: "holds something else", bad: `{"Name": "x"}`, error: /JSON list/ },
    { says: "holds a record without a value", bad: `[{"Name": "x"}]`, error: /entry 0/ },
  ])("stay as they were when the new file $says, and say why", async ({ bad, error }) => {
    using folder = new Folder();
    const { records, refused, changes } = await watched(folder);
    using _records = records;
    await folder.replace("records.json", bad);
    await expect.poll(() => refused.length, { timeout: 5000 }).toBe(1);
    expect(refused[0]).toMatch(error);
    expect([records.current, changes()]).toEqual([[record("100.64.0.1")], 0]);
  });

  test("stay as they were when the file goes, or is empty for a moment", async () => {
    using folder = new Folder();
    const { records, path, refused } = await watched(folder);
    using _records = records;
    folder.write("records.json", "");
    rmSync(path);
    await expect.poll(() => refused.length, { timeout: 5000 }).toBe(1);
    expect(records.current).toEqual([record("100.64.0.1")]);
  });

  test("are not news when the file says the same in other words", async () => {
    using folder = new Folder();
    const { records, loaded, changes } = await watched(folder);
    using _records = records;
    folder.write("records.json", JSON.stringify([record("100.64.0.1")], undefined, 4));
    await expect.poll(() => loaded.length, { timeout: 5000 }).toBe(2);
    expect(changes()).toBe(0);
  });

  test.for([
    { says: "is missing", make: () => undefined },
    { says: "is bad", make: (folder: Folder) => folder.write("records.json", "[") },
  ])("do not start half when the file $says", async ({ make }) => {
    using folder = new Folder();
    make(folder);
    const options = { ...bounds, records: [], onLoaded: () => undefined, onRefused: () => undefined };
    await expect(ExtraRecords.open({ ...options, path: `${folder.path}/records.json` })).rejects.toThrow();
  });
});
