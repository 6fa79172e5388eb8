import { CliError } from "#failure.ts";
import { text } from "#flags.ts";
import { parseId } from "#resolve/node.ts";

/** headscale's way to name a node. Ours is the first argument. */
export const identifier = { identifier: text("The node's id, instead of the first argument", "i") } as const;

export const nodeArgument = { type: "string", describe: "Node by name, id or address" } as const;

/**
 * The node that is meant, and the arguments behind it: with `--identifier` all arguments are those.
 * @throws {CliError} usage when neither names one.
 */
export function nodeAndRest(
  flags: { readonly identifier?: string | undefined; readonly node?: string | undefined },
  rest: readonly string[] = [],
): { node: string; rest: readonly string[] } {
  const args = [...(flags.node === undefined ? [] : [flags.node]), ...rest];
  if (flags.identifier !== undefined) {
    return { node: String(parseId(flags.identifier, "--identifier")), rest: args };
  }
  const [node, ...others] = args;
  if (node === undefined) throw new CliError("usage", "say which node: by name or id, or with --identifier");
  return { node, rest: others };
}
