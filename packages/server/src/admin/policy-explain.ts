import type { MessageInitShape } from "@bufbuild/protobuf";
import type { ExplainPolicyRequest, ExplainPolicyResponseSchema } from "@headscale/gen/headscale/v1/policy_pb.ts";
import { type AccessVerdict, type CompileInput, compilePolicy, explainAccess } from "@headscale/policy";
import { addressesOf, type NodeId, scopedName, TailnetError, type TailnetId, type World } from "@headscale/tailnet";
import type { Live } from "#live/live.ts";
import { matchOf } from "./policy-match.ts";

/** Whether one end may reach the other, and which rule says so or comes nearest. @throws {TailnetError} */
export function explain(
  live: Live,
  input: CompileInput,
  tailnet: TailnetId,
  { src, dst, port, proto }: ExplainPolicyRequest,
): MessageInitShape<typeof ExplainPolicyResponseSchema> {
  const { world } = live;
  const [from, to] = [selectorFor(world, tailnet, src), selectorFor(world, tailnet, dst)];
  // Without a port the question is whether the two may speak at all: a ping passes by any rule between them.
  const found = explainAccess(
    compilePolicy(input),
    from,
    `${bracketed(to)}:${port === 0 ? "*" : port}`,
    port === 0 && proto === "" ? "icmp" : proto,
  );
  if ("error" in found)
    throw new TailnetError(
      "argument-invalid",
      found.error.replace(/^host not found: (".*")$/, "$1 is no node, and no host of the policy"),
    );
  const allowed = found.verdicts.every(({ allowedBy }) => allowedBy !== undefined);
  const target = port === 0 ? dst : `${dst}:${port}`;
  return {
    allowed,
    summary: summaryOf(src, target, found.verdicts),
    matches: found.verdicts.map((verdict) => matchOf(world, verdict)),
  };
}

function summaryOf(src: string, target: string, verdicts: readonly AccessVerdict[]): string {
  const passing = verdicts.filter(({ allowedBy }) => allowedBy !== undefined).length;
  if (passing === verdicts.length) return `${src} may reach ${target}.`;
  if (passing === 0) return `${src} may not reach ${target}: no rule allows it.`;
  return `${src} may reach ${target} for ${passing} of ${verdicts.length} pairs of devices.`;
}

/** A node by name or id stands for its address; everything else is a selector of the policy language. */
function selectorFor(world: World, tailnet: TailnetId, text: string): string {
  const byName = world.index.nodeByName.get(scopedName(tailnet, text));
  const id = byName ?? (/^\d{1,15}$/.test(text) ? (Number(text) as NodeId) : undefined);
  const node = id === undefined ? undefined : world.nodes.get(id);
  return (node?.tailnet === tailnet ? addressesOf(node)[0] : undefined) ?? text;
}

function bracketed(text: string): string {
  return /^[0-9a-f:]+$/i.test(text) && text.includes(":") ? `[${text}]` : text;
}
