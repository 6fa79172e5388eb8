import type { Run } from "#command.ts";
import type { Commands } from "#flags.ts";
import { noCommand } from "#usage-failure.ts";
import { diffPolicy, explainPolicy, testPolicy } from "./policy-ask.ts";
import { editPolicy } from "./policy-edit.ts";
import { getPolicy, policyHistory } from "./policy-read.ts";
import { checkPolicy, rollbackPolicy, setPolicy } from "./policy-set.ts";

export function policy(commands: Commands, run: Run): Commands {
  commands.demandCommand(1, noCommand);
  const verbs = [
    getPolicy,
    setPolicy,
    editPolicy,
    checkPolicy,
    testPolicy,
    diffPolicy,
    explainPolicy,
    policyHistory,
    rollbackPolicy,
  ];
  for (const define of verbs) define(commands, run);
  return commands;
}
