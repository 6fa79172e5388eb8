import {
  CheckPolicyResponseSchema,
  PolicyRevisionSchema,
  type SetPolicyResponse,
  SetPolicyResponseSchema,
} from "@headscale/gen/headscale/v1/policy_pb.ts";
import type { Run } from "#command.ts";
import { CliError, type FailureKind } from "#failure.ts";
import { type Commands, text } from "#flags.ts";
import { parseId } from "#resolve/node.ts";
import type { Session } from "#session.ts";
import { expected } from "./expected.ts";
import { file, placedIn, policyText } from "./policy-file.ts";

const ifRevision = { "if-revision": text("Only if this revision is still in force") } as const;

export function setPolicy(commands: Commands, run: Run): void {
  commands.command(
    ["set", "put", "update"],
    "Check a policy and put it in force",
    (command) => command.options({ ...file, ...ifRevision }).demandOption("file"),
    run(async (session, flags) => {
      const policy = await policyText(flags.file, session.stdin);
      const request = { policy, tailnet: session.tailnet, ...condition(flags.ifRevision) };
      // A script whose output got lost would open everything.
      if (policy.trim() === "" && !(await session.confirm(`${flags.file} is empty: let everybody reach everybody?`)))
        return "no";
      const { headscale } = await session.api();
      return updated(session, await placedIn(flags.file, () => headscale.setPolicy(request)));
    }),
  );
}

export function checkPolicy(commands: Commands, run: Run): void {
  commands.command(
    "check",
    "Say whether a policy could be put in force; exits with 1 if not",
    (command) => command.options(file).demandOption("file"),
    run(async (session, flags) => {
      const { headscale } = await session.api();
      const request = { policy: await policyText(flags.file, session.stdin), tailnet: session.tailnet };
      try {
        const reply = await placedIn(flags.file, () => headscale.checkPolicy(request));
        warn(session, reply.warnings);
        return session.output.message(CheckPolicyResponseSchema, reply, "Policy is valid");
      } catch (error) {
        const invalid: FailureKind = "usage";
        if (!(error instanceof CliError) || error.kind !== invalid) throw error;
        await session.output.value({ error: error.message }, `Policy is not valid: ${error.message}`);
        return "no";
      }
    }),
  );
}

export function rollbackPolicy(commands: Commands, run: Run): void {
  commands.command(
    "rollback <revision>",
    "Put an earlier policy in force again",
    (command) => command.positional("revision", { type: "string", demandOption: true }).options(ifRevision),
    run(async ({ api, output, tailnet }, flags) => {
      const request = { revision: parseId(flags.revision, "revision"), tailnet, ...condition(flags.ifRevision) };
      const made = expected((await (await api()).policy.rollbackPolicy(request)).revision);
      await output.message(
        PolicyRevisionSchema,
        made,
        `Policy of revision ${flags.revision} is in force as ${made.revision}`,
      );
    }),
  );
}

/** Says that a policy is in force now, and what of it is hardly meant. */
export async function updated(session: Session, reply: SetPolicyResponse): Promise<undefined> {
  warn(session, reply.warnings);
  await session.output.message(
    SetPolicyResponseSchema,
    reply,
    `Policy updated: revision ${reply.revision} is in force.`,
  );
}

function condition(revision: string | undefined): { ifRevision?: bigint } {
  return revision === undefined ? {} : { ifRevision: parseId(revision, "--if-revision") };
}

function warn(session: Session, warnings: readonly string[]): void {
  for (const warning of warnings) session.output.note(`Warning: ${warning}`);
}
