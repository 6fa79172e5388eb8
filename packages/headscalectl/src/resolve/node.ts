import type { Node } from "@headscale/gen/headscale/v1/node_pb.ts";
import { CliError } from "#failure.ts";
import type { Session } from "#session.ts";

/** The id of the node that a person means: by id, MagicDNS name, host name or address. @throws {CliError} not-found, or usage when several are meant. */
export async function nodeId(session: Session, reference: string): Promise<bigint> {
  return /^\d+$/.test(reference) ? parseId(reference, "node") : (await node(session, reference)).id;
}

/** The same as the node itself. */
export async function node(session: Session, reference: string): Promise<Node> {
  const { headscale } = await session.api();
  const { tailnet } = session;
  if (/^\d+$/.test(reference)) {
    const reply = await headscale.getNode({ nodeId: parseId(reference, "node"), tailnet });
    if (reply.node !== undefined) return reply.node;
    throw new CliError("not-found", `node ${reference} not found`);
  }
  const { nodes } = await headscale.listNodes({ tailnet });
  return pickNode(nodes, reference);
}

/** MagicDNS names are unique and count first; a host name counts while only one node has it. @throws {CliError} */
export function pickNode(nodes: readonly Node[], reference: string): Node {
  const name = reference.replace(/\.$/, "").toLowerCase();
  // Empty names are names that nodes do not have, not names they share.
  if (name === "") throw new CliError("not-found", 'no node is called ""');
  const exact = nodes.find((node) => node.givenName === name || node.fqdn === name || node.ipAddresses.includes(name));
  if (exact !== undefined) return exact;
  const [found, ...others] = nodes.filter((node) => node.name.toLowerCase() === name);
  if (found === undefined) throw new CliError("not-found", `no node is called ${JSON.stringify(reference)}`);
  if (others.length === 0) return found;
  const ids = [found, ...others].map(({ id }) => id).join(", ");
  throw new CliError("usage", `several nodes call themselves ${JSON.stringify(reference)}: say one of the ids ${ids}`);
}

/** @throws {CliError} usage, not quoting the text: it may be a key. */
export function parseId(text: string, what: string): bigint {
  if (/^\d{1,20}$/.test(text) && BigInt(text) < 1n << 64n) return BigInt(text);
  throw new CliError("usage", `${what}: not an id`);
}
