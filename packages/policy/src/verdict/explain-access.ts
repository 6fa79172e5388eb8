import { Compilation } from "#compile/compilation.ts";
import { splitHostPort } from "#syntax/destination.ts";
import { parseProtocol } from "#syntax/ports.ts";
import { lexSelector } from "#syntax/selector.ts";
import type { CompiledPolicy } from "../engine.ts";
import { type AccessVerdict, pairVerdict } from "./pair-verdict.ts";
import type { Question } from "./reach.ts";
import { subjectsOf } from "./subject.ts";

export type Explanation = { readonly verdicts: readonly AccessVerdict[] } | { readonly error: string };

/**
 * Why `src` may reach `HOST:PORT` or may not, for every device behind the two. `proto`: name or number; absent: TCP or UDP.
 * A text that denotes nothing is an `error`, not an exception: people type them.
 */
export function explainAccess(compiled: CompiledPolicy, src: string, hostPort: string, proto = ""): Explanation {
  if (!(compiled instanceof Compilation)) throw new TypeError("not a policy that compilePolicy made");
  const question = readQuestion(hostPort, proto);
  if ("error" in question) return question;
  const from = subjectsOf(compiled, lexSelector(src.trim(), 0), undefined);
  if ("error" in from) return from;
  const to = subjectsOf(compiled, lexSelector(question.host, 0), from[0]?.node?.ownerId);
  if ("error" in to) return to;
  if (from.length === 0 || to.length === 0)
    return { error: `${from.length === 0 ? src : question.host} has no addresses` };
  const pairs = from.flatMap((source) => to.map((target) => [source, target] as const));
  // A device at itself says something only where nothing else was asked.
  const apart = pairs.filter(([source, target]) => source.node === undefined || source.node !== target.node);
  const asked = apart.length > 0 ? apart : pairs;
  return { verdicts: asked.map(([source, target]) => pairVerdict(compiled, source, target, question)) };
}

function readQuestion(
  hostPort: string,
  proto: string,
): (Question & { readonly host: string }) | { readonly error: string } {
  const split = splitHostPort(hostPort.trim());
  if ("error" in split) return split;
  const protocol = parseProtocol(proto.trim());
  if (typeof protocol === "object") return protocol;
  const port = split.ports === "*" ? 0 : Number(split.ports);
  if (!/^(\d{1,5}|\*)$/.test(split.ports) || port > 65535)
    return { error: "the port must be a single number, or * for a protocol without ports" };
  return { host: split.host, port, protocols: protocol === undefined ? [6, 17] : [protocol] };
}
