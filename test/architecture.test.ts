import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { importsOf, maxLines, packageRules, violations } from "./architecture-rules.ts";

const root = join(import.meta.dirname, "..");
const files = globSync("packages/*/{src,bin}/**/*.{ts,js,mjs}", { cwd: root }).filter(
  (path) => !path.includes("/migrations/"),
);

describe("the house", () => {
  test.for(Object.keys(packageRules))("%s keeps to the plan", (name) => {
    const own = files.filter((path) => path.startsWith(`packages/${name}/`));
    expect(own.length).toBeGreaterThan(0);
    expect(own.flatMap((path) => violations({ path, text: readFileSync(join(root, path), "utf8") }))).toEqual([]);
  });

  test("has no package that the plan does not know", () => {
    const manifests = globSync("packages/*/package.json", { cwd: root });
    expect(manifests.map((path) => path.split("/")[1]).toSorted()).toEqual(Object.keys(packageRules).toSorted());
  });

  test.for(Object.keys(packageRules))("%s has few doors", (name) => {
    const manifest = JSON.parse(readFileSync(join(root, "packages", name, "package.json"), "utf8"));
    expect(Object.keys(manifest.exports).length).toBeLessThanOrEqual(6);
  });
});

describe("violations", () => {
  test.for([
    {
      says: "Node in a pure package",
      path: "packages/policy/src/a.ts",
      text: 'import { readFileSync } from "node:fs";',
      found: /may not use Node/,
    },
    {
      says: "Node outside of noise's two files",
      path: "packages/noise/src/handshake.ts",
      text: 'import "node:crypto";',
      found: /may not use Node/,
    },
    {
      says: "a package that is above",
      path: "packages/tailcfg/src/a.ts",
      text: 'import type { X } from "@headscale/tailnet";',
      found: /not among/,
    },
    {
      says: "the server in headscalectl",
      path: "packages/headscalectl/src/a.ts",
      text: 'import { x } from "@headscale/server";',
      found: /not among/,
    },
    {
      says: "more of tailcfg than keys in noise",
      path: "packages/noise/src/a.ts",
      text: 'import { x } from "@headscale/tailcfg";',
      found: /not among/,
    },
    {
      says: "anything of ours in acme",
      path: "packages/acme/src/a.ts",
      text: 'import { x } from "@headscale/netip";',
      found: /not among/,
    },
    {
      says: "a way around the exports",
      path: "packages/derp/src/relay/a.ts",
      text: 'import { x } from "../../../tailcfg/src/node.ts";',
      found: /leaves the package/,
    },
    {
      says: "a dynamic import of a stranger",
      path: "packages/netip/src/a.ts",
      text: 'const x = await import("yaml");',
      found: /not among/,
    },
    {
      says: "a re-export of a stranger",
      path: "packages/netip/src/a.ts",
      text: 'export { parse } from "yaml";',
      found: /not among/,
    },
    {
      says: "an import over several lines",
      path: "packages/netip/src/a.ts",
      text: 'import {\n  a,\n  b,\n} from "yaml";',
      found: /not among/,
    },
    {
      says: "one door that knows another",
      path: "packages/server/src/public/a.ts",
      text: 'import { x } from "#admin/b.ts";',
      found: /do not know each other/,
    },
    {
      says: "a door that knows the edge",
      path: "packages/server/src/control/a.ts",
      text: 'import { x } from "#edge/b.ts";',
      found: /do not know each other/,
    },
    {
      says: "the live state looking up",
      path: "packages/server/src/live/a.ts",
      text: 'import { x } from "#control/b.ts";',
      found: /live is below control/,
    },
    {
      says: "telemetry looking up",
      path: "packages/server/src/telemetry/a.ts",
      text: 'import { x } from "#live/b.ts";',
      found: /below/,
    },
    {
      says: "a folder without a layer",
      path: "packages/server/src/stuff/a.ts",
      text: 'import { x } from "#live/b.ts";',
      found: /has no layer/,
    },
    {
      says: "folders crossed by dots",
      path: "packages/tailnet/src/users/a.ts",
      text: 'import { x } from "../nodes/b.ts";',
      found: /crosses folders/,
    },
    {
      says: "the clock in a pure package",
      path: "packages/tailnet/src/a.ts",
      text: "const now = Date.now();",
      found: /the clock/,
    },
    {
      says: "randomness in a pure package",
      path: "packages/netip/src/a.ts",
      text: "const x = Math.random();",
      found: /randomness/,
    },
    {
      says: "a long file",
      path: "packages/derp/src/a.ts",
      text: "\n".repeat(maxLines + 1),
      found: /one concept per file/,
    },
    { says: "a file called utils", path: "packages/derp/src/utils.ts", text: "", found: /says nothing/ },
    { says: "a default export", path: "packages/derp/src/a.ts", text: "export default 1;", found: /default export/ },
    { says: "a barrel", path: "packages/derp/src/a.ts", text: 'export * from "./b.ts";', found: /exports everything/ },
  ])("sees $says", ({ path, text, found }) => {
    expect(violations({ path, text })).toEqual([expect.stringMatching(found)]);
  });

  test.for([
    { path: "packages/noise/src/crypto.ts", text: 'import { createHash } from "node:crypto";' },
    {
      path: "packages/policy/src/a.test.ts",
      text: 'import { readFileSync } from "node:fs";\nimport { test } from "vitest";\nconst t = Date.now();',
    },
    {
      path: "packages/server/src/daemon.ts",
      text: 'import { x } from "#public/a.ts";\nimport { y } from "@headscale/store";',
    },
    { path: "packages/server/src/public/page/a.ts", text: 'import { x } from "../b.ts";' },
    {
      path: "packages/server/src/control/a.ts",
      text: 'import { x } from "#live/b.ts";\nimport { y } from "#telemetry/c.ts";',
    },
    {
      path: "packages/noise/src/a.ts",
      text: 'import { x } from "@headscale/tailcfg/keys";\nimport { y } from "@noble/hashes/blake2.js";',
    },
    { path: "packages/tailnet/src/a.ts", text: "// Date.now() is not for us\nconst at = new Date(0);" },
  ])("lets $path pass", ({ path, text }) => expect(violations({ path, text })).toEqual([]));
});

test("importsOf reads every form of import, and no comment", () => {
  const text = `import a from "a";
import type { B } from "b";
import "c";
export { d } from "d";
export type { E } from "e";
const f = await import("f");
/* import g from "g"; */
// import h from "h";
const text = "from nowhere";`;
  expect(importsOf(text).toSorted()).toEqual(["a", "b", "c", "d", "e", "f"]);
});
