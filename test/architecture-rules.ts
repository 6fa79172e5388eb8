/** The plan of the house as a table: who may import whom, and what a file must look like. Paths start at the root of the project. */

interface PackageRule {
  /** Packages of ours, as specifiers: `@headscale/tailcfg` covers its sub-paths, `@headscale/tailcfg/keys` only that door. */
  readonly ours: readonly string[];
  readonly others: readonly string[];
  /** Whether `node:` modules may be imported: everywhere, nowhere, or only in the files named. */
  readonly node: true | false | readonly string[];
  /** No clock, no randomness, no process: the same input always gives the same output. */
  readonly pure?: true;
}

const ours = (...names: readonly string[]) => names.map((name) => `@headscale/${name}`);

const connect = ["@bufbuild/protobuf", "@connectrpc/connect", "@connectrpc/connect-node"];

export const packageRules: Readonly<Record<string, PackageRule>> = {
  netip: { ours: [], others: [], node: false, pure: true },
  tailcfg: { ours: ours("netip"), others: [], node: false, pure: true },
  policy: { ours: ours("netip", "tailcfg"), others: [], node: false, pure: true },
  tailnet: { ours: ours("netip", "tailcfg", "policy"), others: [], node: false, pure: true },
  noise: { ours: ours("tailcfg/keys"), others: ["@noble/"], node: ["src/duplex.ts", "src/crypto.ts"] },
  acme: { ours: [], others: [], node: true },
  derp: { ours: ours("tailcfg"), others: ["@noble/", "ws"], node: true },
  store: { ours: ours("tailnet", "tailcfg", "netip"), others: ["drizzle-orm", "pg"], node: true },
  import: {
    ours: ours("netip", "tailcfg", "tailnet"),
    others: ["pg"],
    node: ["src/database/sqlite.ts"],
    pure: true,
  },
  server: {
    ours: ours("netip", "tailcfg", "noise", "policy", "tailnet", "store", "import", "derp", "acme", "gen"),
    others: [...connect, "@hono/node-server", "bcryptjs", "diff", "hono", "openid-client", "ws", "yaml"],
    node: true,
  },
  headscalectl: { ours: ours("gen"), others: [...connect, "string-width", "yaml", "yargs"], node: true },
};

/** Inside the server, imports go downward only. A folder that is not here has no place yet. */
const serverLayers: Readonly<Record<string, number>> = {
  main: 6,
  daemon: 5,
  takeover: 5,
  assembly: 4,
  control: 3,
  public: 3,
  admin: 3,
  rest: 3,
  edge: 3,
  auth: 2,
  live: 2,
  config: 1,
  telemetry: 1,
  arguments: 1,
};
const doors = 3;

export const maxLines = 300;

const vagueNames = /^(?:utils?|helpers?|common|misc|types?|managers?|shared|lib)(?:\.|$)/;

const impurities: Readonly<Record<string, RegExp>> = {
  "the clock": /\bDate\.now\(|\bnew Date\(\)|\bperformance\.now\(|\bTemporal\.Now\b/,
  timers: /\bset(?:Timeout|Interval|Immediate)\(/,
  randomness: /\bMath\.random\(|\bgetRandomValues\(|\brandomUUID\(/,
  "the process": /\bprocess\.|\bconsole\./,
};

export interface SourceFile {
  /** `packages/NAME/src/…` with forward slashes. */
  readonly path: string;
  readonly text: string;
}

/** What is wrong with one file, one sentence each. */
export function violations({ path, text }: SourceFile): string[] {
  const [, packageName = "", inside = ""] = /^packages\/([^/]+)\/(.+)$/.exec(path) ?? [];
  const rule = packageRules[packageName];
  if (!rule) return [`${path}: package ${packageName} is not in the table of test/architecture-rules.ts`];
  const found = [...shapeViolations(inside, text)];
  for (const specifier of importsOf(text)) {
    const problem =
      specifier.startsWith(".") || specifier.startsWith("#")
        ? insideProblem(packageName, inside, specifier)
        : outsideProblem(packageName, rule, inside, specifier);
    if (problem !== undefined) found.push(`imports ${specifier}: ${problem}`);
  }
  if (rule.pure && !isTest(inside)) {
    for (const [what, pattern] of Object.entries(impurities))
      if (pattern.test(withoutComments(text))) found.push(`touches ${what}, but the package is pure`);
  }
  return found.map((problem) => `${path} ${problem}`);
}

/** Specifiers of all imports and re-exports, type-only and dynamic ones included. */
export function importsOf(text: string): string[] {
  const code = withoutComments(text);
  const statements = /(?:^|[\n;}])\s*(?:import|export)\b(?:[^"';]*?\bfrom\b)?\s*(["'])([^"'\n]+)\1/g;
  const calls = /\bimport\(\s*(["'])([^"'\n]+)\1/g;
  return [...code.matchAll(statements), ...code.matchAll(calls)].map(([, , specifier = ""]) => specifier);
}

/** Tests and what only tests import. */
function isTest(inside: string): boolean {
  return /\.(?:test|fixture)\.ts$|\/(?:testing|property)\//.test(inside);
}

function shapeViolations(inside: string, text: string): string[] {
  const found: string[] = [];
  const name = inside.split("/").at(-1) ?? "";
  const lines = text.split("\n").length - 1;
  if (lines > maxLines && !isTest(inside))
    found.push(`has ${lines} lines, more than ${maxLines}: one concept per file`);
  if (inside.split("/").some((part) => vagueNames.test(part))) found.push("has a name that says nothing");
  if (!/^[a-z0-9]+(?:-[a-z0-9]+)*(?:\.property)?(?:\.(?:test|fixture))?\.(?:ts|js|mjs)$/.test(name))
    found.push("is not named in kebab-case");
  if (/^export default\b/m.test(text)) found.push("has a default export");
  if (/^export \*/m.test(text)) found.push("exports everything of another file");
  return found;
}

function insideProblem(packageName: string, inside: string, specifier: string): string | undefined {
  const target = specifier.startsWith("#") ? `src/${specifier.slice(1)}` : joined(inside, specifier);
  if (target === undefined || !/^(?:src|bin)\//.test(target)) {
    if (target === "package.json") return undefined;
    if (isTest(inside) && /^(?:\.\.\/)+test\/vectors\//.test(specifier)) return undefined;
    return "leaves the package; go through its exports";
  }
  if (
    specifier.startsWith(".") &&
    specifier.startsWith("../") &&
    inside.startsWith("src/") &&
    target.split("/").length > 2 &&
    folderOf(target) !== folderOf(inside)
  ) {
    return "crosses folders; write #folder/file.ts";
  }
  return packageName === "server" ? layerProblem(inside, target) : undefined;
}

function outsideProblem(packageName: string, rule: PackageRule, inside: string, specifier: string): string | undefined {
  if (specifier.startsWith("node:")) {
    const mayUseNode = rule.node === true || isTest(inside) || (rule.node !== false && rule.node.includes(inside));
    return mayUseNode ? undefined : "this file may not use Node";
  }
  if (specifier === `@headscale/${packageName}`) return "is the package itself";
  if (isTest(inside) && ["vitest", "fast-check", "@fast-check/vitest"].includes(specifier)) return undefined;
  const isAllowed = [...rule.ours, ...rule.others].some((name) =>
    name.endsWith("/") ? specifier.startsWith(name) : specifier === name || specifier.startsWith(`${name}/`),
  );
  return isAllowed ? undefined : `not among what ${packageName} may import`;
}

function layerProblem(inside: string, target: string): string | undefined {
  if (!inside.startsWith("src/") || isTest(inside)) return undefined;
  const from = folderOf(inside);
  const to = folderOf(target);
  const fromLayer = serverLayers[from];
  const toLayer = serverLayers[to];
  if (fromLayer === undefined) return `${from} has no layer in test/architecture-rules.ts`;
  if (toLayer === undefined) return `${to} has no layer in test/architecture-rules.ts`;
  if (from === to || toLayer < fromLayer) return undefined;
  if (toLayer > fromLayer) return `${from} is below ${to}`;
  return fromLayer === doors ? "the doors do not know each other; daemon.ts connects them" : undefined;
}

/** First folder below `src`, or the name of a file that lies in `src` itself. */
function folderOf(inside: string): string {
  return (inside.split("/")[1] ?? "").replace(/\.ts$/, "");
}

/** `undefined` when the path climbs out of the package. */
function joined(file: string, specifier: string): string | undefined {
  const parts = file.split("/").slice(0, -1);
  for (const part of specifier.split("/")) {
    if (part === ".") continue;
    if (part !== "..") parts.push(part);
    else if (parts.pop() === undefined) return undefined;
  }
  return parts.join("/");
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/(^|\s)\/\/.*$/gm, "$1");
}
