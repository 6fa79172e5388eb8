import { Compilation, nothingCarried } from "#compile/compilation.ts";
import { makePlan } from "#compile/policy-plan.ts";
import { Resolution } from "#resolve/resolution.ts";
import { Roster } from "#resolve/roster.ts";
import type { CompiledPolicy, CompileInput } from "./engine.ts";

/** Compiles a policy for users and nodes. Use `updatePolicy` for what changes afterwards. */
export function compilePolicy({ policy, users, nodes, services, settings }: CompileInput): CompiledPolicy {
  return compile({ policy, users, nodes, services: services ?? [], settings });
}

/** As `compilePolicy`, for callers inside the package. */
export function compile({ policy, users, nodes, services, settings }: CompileInput): Compilation {
  const plan = makePlan(policy);
  const roster = Roster.of(users, nodes, services ?? []);
  return new Compilation(plan, settings, Resolution.of(plan.index, roster), nothingCarried());
}
