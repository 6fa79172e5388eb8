import {
  GetPolicyResponseSchema,
  type PolicyRevision,
  PolicyRevisionSchema,
} from "@headscale/gen/headscale/v1/policy_pb.ts";
import type { Run } from "#command.ts";
import { type Commands, text } from "#flags.ts";
import type { Column } from "#output/table.ts";
import { absolute, relative } from "#output/when.ts";
import { parseId } from "#resolve/node.ts";
import { expected } from "./expected.ts";
import { limitOf, limitOption, pages } from "./pages.ts";

export function getPolicy(commands: Commands, run: Run): void {
  commands.command(
    ["get", "show", "view", "fetch"],
    "Print the policy in force, or an earlier one",
    (command) => command.options({ revision: text("Revision to print") }),
    run(async ({ api, output, tailnet }, { revision }) => {
      if (revision === undefined) {
        const reply = await (await api()).headscale.getPolicy({ tailnet });
        return output.message(GetPolicyResponseSchema, reply, reply.policy);
      }
      const request = { revision: parseId(revision, "--revision"), tailnet };
      const found = expected((await (await api()).policy.getPolicyRevision(request)).revision);
      return output.message(PolicyRevisionSchema, found, found.policy);
    }),
  );
}

export function policyHistory(commands: Commands, run: Run): void {
  commands.command(
    ["history", "log"],
    "List the policies that have been in force, newest first",
    (command) => command.options(limitOption),
    run(async ({ api, output, tailnet, now }, flags) => {
      const { policy } = await api();
      const revisions = await pages(limitOf(flags), async (page) => {
        const reply = await policy.listPolicyRevisions({ ...page, tailnet });
        return { items: reply.revisions, next: reply.nextPageToken };
      });
      await output.list(PolicyRevisionSchema, revisions, columns(now), "No policy has been set.");
    }),
  );
}

function columns(now: number): Column<PolicyRevision>[] {
  return [
    { head: "REVISION", cell: ({ revision, current }) => `${revision}${current ? " *" : ""}` },
    { head: "SET", cell: ({ createdAt }) => relative(createdAt, now) },
    { head: "AT", cell: ({ createdAt }) => absolute(createdAt) },
    { head: "BY", cell: ({ actor }) => actor },
    { head: "BYTES", cell: ({ sizeBytes }) => String(sizeBytes) },
    { head: "SHA-256", cell: ({ sha256 }) => sha256.slice(0, 12) },
  ];
}
