export { derpMapUnder } from "./compile/derp-map.ts";
export { compilePolicy } from "./compile-policy.ts";
export type {
  Affected,
  AttributeValue,
  CompiledPolicy,
  CompileInput,
  NodeRoutes,
  PacketFilters,
  PeerChange,
  PolicyChange,
  PolicyNode,
  PolicyService,
  PolicySettings,
  PolicyUpdate,
  PolicyUser,
  SSHCheck,
  Topology,
  UserRole,
} from "./engine.ts";
export { PolicyError, type PolicyErrorCode, type PolicyProblem } from "./policy-error.ts";
export { renderProblem } from "./render-problem.ts";
export { tailnetDomains } from "./resolve/user-directory.ts";
export { type ParsePolicyOptions, parsePolicy } from "./syntax/parse-policy.ts";
export type { Policy } from "./syntax/policy-document.ts";
export type { NodeAttribute } from "./syntax/postures.ts";
export { updatePolicy } from "./update-policy.ts";
export type { LoginAccess, LoginDifference } from "./verdict/diff-logins.ts";
export { type Access, diffPolicies, type PolicyDifference } from "./verdict/diff-policies.ts";
export { type Explanation, explainAccess } from "./verdict/explain-access.ts";
export { type AccessVerdict, type RulePlace, whyNot } from "./verdict/pair-verdict.ts";
export { compileTested, runPolicyTests, type TestVerdict } from "./verdict/run-tests.ts";
export type { Outcome, TestAssertion } from "./verdict/test-assertion.ts";
