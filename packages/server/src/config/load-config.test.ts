import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { loadConfig } from "./load-config.ts";

const root = mkdtempSync(join(tmpdir(), "hs-config-"));
afterAll(() => rmSync(root, { recursive: true }));

let folders = 0;
function folder(files: Record<string, string>): string {
  const path = join(root, String(folders++));
  mkdirSync(path);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(path, name, ".."), { recursive: true });
    writeFileSync(join(path, name), text);
  }
  return path;
}

const debug = "log: {level: debug}";

describe("loadConfig", () => {
  test("starts with the defaults when there is no file", () => {
    const workingFolder = folder({});
    const { config } = loadConfig({ workingFolder, env: { HOME: workingFolder } });
    expect(config.file).toBeUndefined();
    expect(config.server.dataDir).toBe(join(workingFolder, "data"));
    expect(config.server.url).toMatch(/^http:\/\/\d+\.\d+\.\d+\.\d+:8080$/);
  });

  test.for(["config.yaml", "config.yml", "config.json"])("finds %s in the working folder", (name) => {
    const workingFolder = folder({ [name]: '{"log": {"level": "debug"}}' });
    const { config } = loadConfig({ workingFolder, env: { HOME: "/nowhere" } });
    expect(config).toMatchObject({ file: join(workingFolder, name), log: { level: "debug" } });
  });

  test("looks in ~/.headscale before the working folder", () => {
    const home = folder({ ".headscale/config.yaml": debug });
    const workingFolder = folder({ "config.yaml": "log: {level: error}" });
    expect(loadConfig({ workingFolder, env: { HOME: home } }).config.file).toBe(join(home, ".headscale/config.yaml"));
  });

  test("takes HEADSCALE_CONFIG before any search, and --config before that", () => {
    const workingFolder = folder({ "a.yaml": debug, "b.yaml": "log: {level: warn}", "config.yaml": "" });
    const env = { HEADSCALE_CONFIG: "a.yaml" };
    expect(loadConfig({ workingFolder, env }).config.log.level).toBe("debug");
    expect(loadConfig({ workingFolder, env, file: "b.yaml" }).config.log.level).toBe("warn");
  });

  test.for([
    { says: "a file that does not exist", file: "none.yaml", code: "unreadable", message: /does not exist/ },
    { says: "a folder", file: ".", code: "unreadable", message: /cannot be read/ },
    { says: "a file of two megabytes", file: "big.yaml", code: "unreadable", message: /cannot be read/ },
    { says: "bad YAML", file: "bad.yaml", code: "bad-syntax", message: /line 2, column 1/ },
    { says: "a list", file: "list.yaml", code: "bad-syntax", message: /key: value/ },
  ])("refuses $says", ({ file, code, message }) => {
    const workingFolder = folder({
      "big.yaml": `# ${"x".repeat(2_000_000)}`,
      "bad.yaml": "a: {b\nc: d",
      "list.yaml": "- a",
    });
    const load = () => loadConfig({ workingFolder, env: {}, file });
    expect(load).toThrow(expect.objectContaining({ name: "ConfigError", code }));
    expect(load).toThrow(message);
  });
});
