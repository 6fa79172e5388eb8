import type { MessageInitShape } from "@bufbuild/protobuf";
import type { TestPolicyResponseSchema } from "@headscale/gen/headscale/v1/policy_pb.ts";
import { type CompileInput, compilePolicy, runPolicyTests } from "@headscale/policy";

/** What a policy's own tests say of the present users and nodes, one result an entry. */
export function testResults(input: CompileInput): MessageInitShape<typeof TestPolicyResponseSchema> {
  const counts = { tests: 0, sshTests: 0 };
  const results = runPolicyTests(compilePolicy(input)).map(({ section, user, line, errors }) => ({
    path: `${section}[${counts[section]++}]`,
    src: user,
    passed: errors.length === 0,
    message: errors.length === 0 ? "" : `line ${line}: ${errors.join("; ")}`,
  }));
  return { passed: results.every(({ passed }) => passed), results };
}
