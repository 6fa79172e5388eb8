import type { MessageInitShape } from "@bufbuild/protobuf";
import type { PolicyTestResultSchema, TestPolicyResponseSchema } from "@headscale/gen/headscale/v1/policy_pb.ts";
import { type CompileInput, compilePolicy, runPolicyTests, type TestAssertion } from "@headscale/policy";
import type { World } from "@headscale/tailnet";
import { matchOf } from "./policy-match.ts";

type Result = MessageInitShape<typeof PolicyTestResultSchema>;

/** What a policy's own tests say of the present users and nodes, one result an expectation. */
export function testResults(world: World, input: CompileInput): MessageInitShape<typeof TestPolicyResponseSchema> {
  const results = runPolicyTests(compilePolicy(input)).flatMap(({ section, index, line, user, assertions }) =>
    assertions.map((assertion) => ({ path: `${section}[${index}]`, line, src: user, ...resultOf(world, assertion) })),
  );
  return { passed: results.every(({ passed }) => passed === true), results };
}

function resultOf(world: World, { dst, proto, login, expected, got, error, decided }: TestAssertion): Result {
  const match = decided && matchOf(world, decided);
  return {
    dst,
    proto,
    sshUser: login,
    expected: expected ?? "",
    got: got ?? "",
    passed: error === undefined,
    message: error === undefined ? "" : messageOf(error, match),
    ...(match && { match }),
  };
}

/** Between which devices it went wrong, where that is what went wrong. */
function messageOf(error: string, match: Result["match"]): string {
  if (match === undefined) return error;
  const rule = match.path ? `${match.path} (line ${match.line}) ` : "";
  return `${match.src} → ${match.dst}: ${rule}${match.reason}`;
}
