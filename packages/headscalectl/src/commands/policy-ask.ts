import {
  type DiffPolicyResponse,
  DiffPolicyResponseSchema,
  ExplainPolicyResponseSchema,
  type PolicyMatch,
  type PolicyTestResult,
  TestPolicyResponseSchema,
} from "@headscale/gen/headscale/v1/policy_pb.ts";
import type { Run } from "#command.ts";
import { CliError } from "#failure.ts";
import { type Commands, text } from "#flags.ts";
import { type Column, plain, table } from "#output/table.ts";
import { parseId } from "#resolve/node.ts";
import { file, placedIn, policyText } from "./policy-file.ts";
import { parseTarget } from "./policy-target.ts";

export function testPolicy(commands: Commands, run: Run): void {
  commands.command(
    "test",
    "Run the tests in a policy, of the one in force or of a file; exits with 1 if one fails",
    (command) => command.options(file),
    run(async ({ api, output, stdin, tailnet }, flags) => {
      const policy = flags.file === undefined ? "" : await policyText(flags.file, stdin);
      const service = (await api()).policy;
      const reply = await placedIn(flags.file ?? "policy", () => service.testPolicy({ policy, tailnet }));
      const failed = reply.results.filter(({ passed }) => !passed).length;
      const summary = `${reply.results.length - failed} passed, ${failed} failed`;
      const text =
        reply.results.length === 0 ? "The policy has no tests" : `${table(tests, reply.results)}\n${summary}`;
      await output.message(TestPolicyResponseSchema, reply, text);
      return reply.passed ? undefined : "no";
    }),
  );
}

export function diffPolicy(commands: Commands, run: Run): void {
  commands.command(
    "diff",
    "Compare a file, or a revision, with the policy in force; exits with 1 if they differ",
    (command) =>
      command
        .options({ ...file, from: text("Revision to compare from"), to: text("Revision to compare to") })
        .conflicts("file", "to"),
    run(async ({ api, output, stdin, tailnet }, flags) => {
      if (flags.file === undefined && flags.from === undefined && flags.to === undefined) {
        throw new CliError("usage", "say what to compare: --file FILE, --from REVISION or --to REVISION");
      }
      const revision = (said: string | undefined, flag: string) => (said === undefined ? 0n : parseId(said, flag));
      const policy = flags.file === undefined ? "" : await policyText(flags.file, stdin);
      if (flags.file !== undefined && policy === "") throw new CliError("usage", `${flags.file}: empty`);
      const request = { fromRevision: revision(flags.from, "--from"), toRevision: revision(flags.to, "--to"), policy };
      const service = (await api()).policy;
      const reply = await placedIn(flags.file ?? "policy", () => service.diffPolicy({ ...request, tailnet }));
      const names = [revisionName(flags.from), flags.file ?? revisionName(flags.to)] as const;
      await output.message(DiffPolicyResponseSchema, reply, diffText(reply, names));
      return reply.identical ? undefined : "no";
    }),
  );
}

export function explainPolicy(commands: Commands, run: Run): void {
  commands.command(
    ["explain <src> <dst>", "why"],
    "Say whether one node may reach another, and by which rules; exits with 1 if not",
    (command) =>
      command
        .positional("src", { type: "string", demandOption: true, describe: "Node, user or tag" })
        .positional("dst", {
          type: "string",
          demandOption: true,
          describe: "Node, user or tag, and :PORT if it matters",
        })
        .options({ port: text("Port", "p"), proto: text("tcp, udp, icmp, … or a number"), ...file }),
    run(async ({ api, output, stdin, tailnet }, flags) => {
      const { dst, port } = parseTarget(flags.dst, flags.port);
      const policy = flags.file === undefined ? "" : await policyText(flags.file, stdin);
      const request = { src: flags.src, dst, port, proto: flags.proto ?? "", policy, tailnet };
      const service = (await api()).policy;
      const reply = await placedIn(flags.file ?? "policy", () => service.explainPolicy(request));
      const more = reply.matches.length > maxShown ? `\n… and ${reply.matches.length - maxShown} more pairs` : "";
      const rules = reply.matches.length === 0 ? "" : `\n${table(matches, reply.matches.slice(0, maxShown))}${more}`;
      const summary = reply.summary || (reply.allowed ? "Allowed" : "Not allowed");
      await output.message(ExplainPolicyResponseSchema, reply, `${plain(summary)}${rules}`);
      return reply.allowed ? undefined : "no";
    }),
  );
}

/** More pairs of devices than these are for machines to read. */
const maxShown = 50;

const revisionName = (said: string | undefined) => (said === undefined ? "in force" : `revision ${said}`);

function diffText(
  { unifiedDiff, accessChanges, touchedNodes }: DiffPolicyResponse,
  [before, after]: readonly [string, string],
): string {
  const changes = accessChanges.map(({ gained, src, dst, what }) =>
    plain(`${gained ? "+" : "-"} ${src} → ${dst} ${what}`),
  );
  const access = changes.length === 0 ? [] : ["Access:", ...changes];
  const touched = touchedNodes.length === 0 ? [] : [`Touched: ${touchedNodes.map(plain).join(", ")}`];
  const lines = unifiedDiff.replace(/^--- .*\n\+\+\+ .*$/m, () => `--- ${before}\n+++ ${after}`).trimEnd();
  return [...(lines === "" ? [] : [lines]), ...access, ...touched].join("\n");
}

const tests: readonly Column<PolicyTestResult>[] = [
  { head: "TEST", cell: ({ path, line }) => placed(path, line) },
  { head: "RESULT", cell: ({ passed }) => (passed ? "ok" : "FAILED") },
  { head: "FROM", cell: ({ src }) => src },
  { head: "TO", cell: ({ dst, proto, sshUser }) => [proto, sshUser && `${sshUser}@`, dst].filter(Boolean).join(" ") },
  { head: "EXPECTED", cell: ({ expected }) => expected },
  { head: "GOT", cell: ({ got }) => got },
  { head: "RULE", cell: ({ match }) => (match ? placed(match.path, match.line) : "") },
  { head: "WHY", cell: ({ message, match, passed }) => (passed ? "" : match ? reasonOf(match) : message) },
];

function reasonOf({ src, dst, reason }: PolicyMatch): string {
  return `${src} → ${dst}: ${reason}`;
}

/** Where a test or a rule stands, with its line if that is known. */
function placed(path: string, line: number): string {
  return line === 0 ? path : `${path} (line ${line})`;
}

const matches: readonly Column<PolicyMatch>[] = [
  { head: "RULE", cell: ({ path, line }) => placed(path, line) },
  { head: "ALLOWS", cell: ({ allows }) => (allows ? "yes" : "no") },
  { head: "FROM", cell: ({ src }) => src },
  { head: "TO", cell: ({ dst }) => dst },
  { head: "WHY", cell: ({ reason }) => reason },
];
