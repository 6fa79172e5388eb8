import type { MessageInitShape } from "@bufbuild/protobuf";
import type { PolicyMatchSchema } from "@headscale/gen/headscale/v1/policy_pb.ts";
import { type AccessVerdict, type RulePlace, whyNot } from "@headscale/policy";
import type { World } from "@headscale/tailnet";
import { nodeName } from "./source-names.ts";

/** The rule that bears on two devices, and how. */
export function matchOf(world: World, verdict: AccessVerdict): MessageInitShape<typeof PolicyMatchSchema> {
  const { src, dst, allowedBy, nearest } = verdict;
  const place = allowedBy ?? nearest;
  return {
    path: place === undefined ? "" : pathOf(place),
    line: place?.line ?? 0,
    src: deviceName(world, src),
    dst: deviceName(world, dst),
    allows: allowedBy !== undefined,
    reason: reasonOf(verdict),
  };
}

function reasonOf({ allowedBy, nearest }: AccessVerdict): string {
  if (allowedBy !== undefined)
    return allowedBy.line === undefined ? "there is no rule at all, so everything is allowed" : "allows it";
  return nearest === undefined ? "no rule is about these two" : `comes nearest: ${whyNot[nearest.missing]}`;
}

/** `acls[3]`; empty for the absence of any rule. */
function pathOf({ section, index }: RulePlace): string {
  return index === undefined ? "" : `${section}[${index}]`;
}

/** The name of the node behind a list of its addresses; other texts stay. */
function deviceName(world: World, label: string): string {
  const [first = ""] = label.split(", ", 1);
  const name = nodeName(world, first);
  return name === first ? label : name;
}
