import { type Addr, addrFromValue, type Prefix } from "@headscale/netip";
import {
  type CompiledPolicy,
  compilePolicy,
  type PolicyNode,
  type PolicySettings,
  type PolicyUpdate,
  type PolicyUser,
  parsePolicy,
  updatePolicy,
} from "@headscale/policy";

/**
 * Prints how long the policy engine takes: `node test/bench/policy.ts [NAME…]`. Times are processor time of the whole
 * process, collection of garbage included, which other work on the same machine disturbs least.
 */

const settings: PolicySettings = { serverUrl: "https://headscale.test" };
const firstV4 = 0x6440_0001n;
const firstV6 = 0xfd7a_115c_a1e0_0000_0000_0000_0000_0001n;

function users(count: number): PolicyUser[] {
  return Array.from({ length: count }, (_, index) => ({ id: index + 1, loginName: `user${index + 1}@corp.test` }));
}

function node(id: number, rest: Partial<PolicyNode>): PolicyNode {
  const addresses = {
    v4: addrFromValue(4, firstV4 + BigInt(id)) as Addr,
    v6: addrFromValue(6, firstV6 + BigInt(id)) as Addr,
  };
  return { id, tags: [], addresses, advertisedRoutes: [], approvedRoutes: [], ...rest };
}

/** Devices of users in turn; every tenth node is a tagged server, every hundredth routes a subnet, two to a prefix. */
function mixedNodes(count: number, userCount: number): PolicyNode[] {
  return Array.from({ length: count }, (_, index) => mixedNode(index + 1, userCount));
}

function mixedNode(id: number, userCount: number): PolicyNode {
  if (id % 100 === 0) {
    const routes = [`10.${(id / 100) % 25}.0.0/16` as Prefix];
    return node(id, { tags: ["tag:router"], advertisedRoutes: routes, approvedRoutes: routes });
  }
  return id % 10 === 0 ? node(id, { tags: [`tag:server${id % 7}`] }) : node(id, { userId: (id % userCount) + 1 });
}

const rows: string[][] = [];

function measure<T>(what: string, work: () => T, note: (result: T) => string = () => ""): T {
  const started = processorMs();
  const result = work();
  const took = processorMs() - started;
  rows.push([what, took < 10 ? `${took.toFixed(2)} ms` : `${took.toFixed(0)} ms`, note(result)]);
  return result;
}

function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

function median(times: number[]): number {
  return times.sort((a, b) => a - b)[times.length >> 1] ?? 0;
}

function answerAll(compiled: CompiledPolicy, ids: readonly number[]): number {
  let rules = 0;
  for (const id of ids) {
    for (const part of Object.values(compiled.packetFilters(id))) rules += part.length;
    rules += compiled.peersOf(id).length > 0 ? 0 : 1;
  }
  return rules;
}

/** Twenty-one nodes join one after another. */
function measureJoins(what: string, compiled: CompiledPolicy): CompiledPolicy {
  let live = compiled;
  const times = Array.from({ length: 21 }, (_, index) => {
    const started = processorMs();
    live = updatePolicy(live, { putNodes: [mixedNode(5001 + index, 500)] }).next;
    return processorMs() - started;
  });
  rows.push([what, `${median(times).toFixed(2)} ms`, `median of 21, worst ${Math.max(...times).toFixed(1)} ms`]);
  return live;
}

const affectedNote = ({ affected }: PolicyUpdate) =>
  `concerns ${affected.filters.length} filters, ${affected.peers.size} peer lists, routes of ${affected.routes.size}`;

const tagOwners = Object.fromEntries(
  ["router", ...Array.from({ length: 7 }, (_, i) => `server${i}`)].map((name) => [`tag:${name}`, []]),
);

/** 5,000 rules, half of them to `autogroup:self`, the rest between groups, users, tags and subnets. */
function manyRules(count: number, userCount: number): string {
  const groups = Object.fromEntries(
    Array.from({ length: 100 }, (_, group) => [
      `group:g${group}`,
      Array.from({ length: 20 }, (_, member) => `user${((group * 7 + member * 13) % userCount) + 1}@corp.test`),
    ]),
  );
  const acls = Array.from({ length: count }, (_, index) => {
    const port = 1000 + index;
    if (index % 2 === 0) return { action: "accept", src: ["autogroup:member"], dst: [`autogroup:self:${port}`] };
    const target = [
      `tag:server${index % 7}`,
      `10.${index % 250}.${index % 200}.0/24`,
      `user${(index % userCount) + 1}@corp.test`,
    ][index % 3];
    return { action: "accept", src: [`group:g${index % 100}`], dst: [`${target}:${port}`] };
  });
  return JSON.stringify({ groups, tagOwners, acls }, null, 1);
}

function joinOne(): void {
  const ids = Array.from({ length: 5000 }, (_, index) => index + 1);
  const text = manyRules(5000, 500);
  const policy = measure(
    "parse 5,000 rules",
    () => parsePolicy(text),
    () => `${text.split("\n").length} lines`,
  );
  const input = { policy, users: users(500), nodes: mixedNodes(5000, 500), settings };
  const compiled = measure("compile them for 5,000 nodes of 500 users", () => compilePolicy(input));
  measure(
    "all 5,000 filters and peer lists",
    () => answerAll(compiled, ids),
    (rules) => `${rules} rules`,
  );
  const live = measureJoins("a node joins", compiled);
  const joined = measure(
    "a device of one user joins",
    () => updatePolicy(live, { putNodes: [node(5100, { userId: 7 })] }),
    affectedNote,
  );
  measure(
    "a device passes from one user to another",
    () => updatePolicy(joined.next, { putNodes: [node(5100, { userId: 8 })] }),
    affectedNote,
  );
  measure("its own filter and peers", () => answerAll(joined.next, [5100]));
  measure("filters of all whom that concerns", () => answerAll(joined.next, joined.affected.filters));
  measure(
    "a router fails over",
    () => updatePolicy(joined.next, { putNodes: [{ ...mixedNode(100, 500), unreachable: true }] }),
    affectedNote,
  );
  const more = JSON.parse(text) as { acls: unknown[] };
  more.acls.splice(2500, 0, { action: "accept", src: ["user3@corp.test"], dst: ["tag:server3:5432"] });
  const changed = parsePolicy(JSON.stringify(more));
  measure(
    "one rule is written into the policy",
    () => updatePolicy(joined.next, { policy: { to: changed } }),
    affectedNote,
  );
}

/** About 145,000 lines: groups, hosts and single-destination rules. */
function longPolicy(userCount: number): string {
  const groups = Object.fromEntries(
    Array.from({ length: 400 }, (_, group) => [
      `group:g${group}`,
      Array.from({ length: 25 }, (_, member) => `user${((group * 11 + member * 17) % userCount) + 1}@corp.test`),
    ]),
  );
  const hosts = Object.fromEntries(
    Array.from({ length: 5000 }, (_, host) => [`h${host}`, `10.${host % 250}.${(host / 250) | 0}.7`]),
  );
  const acls = Array.from({ length: 11_000 }, (_, index) => ({
    action: "accept",
    src: [`group:g${index % 400}`, `user${(index % userCount) + 1}@corp.test`],
    dst: [`h${index % 5000}:443`, `tag:server${index % 7}:${1 + (index % 9000)}`],
    proto: "tcp",
  }));
  return JSON.stringify({ groups, hosts, tagOwners, acls }, null, 1);
}

function registerMany(): void {
  const text = longPolicy(200);
  const policy = measure(
    "parse a long policy",
    () => parsePolicy(text),
    () => `${text.split("\n").length} lines, ${(text.length / 1e6).toFixed(1)} MB`,
  );
  let live = measure("compile it for no nodes", () =>
    compilePolicy({ policy, users: users(200), nodes: [], settings }),
  );
  measure("500 nodes register one after another, each asking for filter, peers, SSH and attributes", () => {
    for (let id = 1; id <= 500; id += 1) {
      live = updatePolicy(live, { putNodes: [mixedNode(id, 200)] }).next;
      answerAll(live, [id]);
      live.sshPolicy(id);
      live.selfCapabilities(id);
      live.autoApprovedRoutes(mixedNode(id, 200));
    }
  });
  measure("all their filters and peers afterwards", () =>
    answerAll(
      live,
      Array.from({ length: 500 }, (_, index) => index + 1),
    ),
  );
}

function pollersOfOneUser(): void {
  const acls = Array.from({ length: 1000 }, (_, index) => ({
    action: "accept",
    src: ["autogroup:member"],
    dst: [`autogroup:self:${index + 1}`],
  }));
  const policy = parsePolicy(JSON.stringify({ acls }));
  const nodes = Array.from({ length: 250 }, (_, index) => node(index + 1, { userId: 1 }));
  const compiled = measure("compile 1,000 rules to autogroup:self for 250 devices of one user", () =>
    compilePolicy({ policy, users: users(1), nodes, settings }),
  );
  measure(
    "all 250 filters and peer lists",
    () =>
      answerAll(
        compiled,
        nodes.map(({ id }) => id),
      ),
    (rules) => `${rules} rules`,
  );
}

function allowAll(): void {
  const ids = Array.from({ length: 5000 }, (_, index) => index + 1);
  const compiled = measure("no policy: compile for 5,000 nodes", () =>
    compilePolicy({ policy: undefined, users: users(500), nodes: mixedNodes(5000, 500), settings }),
  );
  measure("no policy: all 5,000 filters and peer lists", () => answerAll(compiled, ids));
  measureJoins("no policy: a node joins", compiled);
}

const benches = { allowAll, joinOne, registerMany, pollersOfOneUser };
const wanted = process.argv.slice(2);
for (const [name, bench] of Object.entries(benches)) if (wanted.length === 0 || wanted.includes(name)) bench();
const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
for (const row of rows) console.log(`| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`);
console.log(`peak memory ${(process.memoryUsage().rss / 1e6).toFixed(0)} MB`);
