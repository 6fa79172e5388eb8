import { type Addr, addrFromValue, parseAddrRange } from "@headscale/netip";
import type { World } from "@headscale/tailnet";

/** A range wider than this is shown as it is: nobody reads that many names. */
const maxNamed = 256n;

/** Sources of a filter (addresses, prefixes, ranges, `*`) by the names of their nodes, each once though it has two addresses. */
export function sourceNames(world: World, texts: readonly string[]): string {
  return [...new Set(texts.flatMap((text) => namesIn(world, text)))].join(", ");
}

/** The name of the node that has exactly this address; other texts stay. */
export function nodeName(world: World, text: string): string {
  return nameAt(world, text.replace(/\/(32|128)$/, "") as Addr) ?? text;
}

/** The names of all nodes of a range, unless it has addresses of no node: those have no other name than the range. */
function namesIn(world: World, text: string): readonly string[] {
  if (text === "*") return [text];
  const { family, first, last } = parseAddrRange(text);
  const size = last - first + 1n;
  if (size > maxNamed) return [text];
  const names: string[] = [];
  for (let value = first; value <= last; value += 1n) {
    const name = nameAt(world, addrFromValue(family, value));
    if (name === undefined) return [text];
    names.push(name);
  }
  return names;
}

function nameAt(world: World, addr: Addr): string | undefined {
  const id = world.index.nodeByAddr.get(addr);
  return id === undefined ? undefined : world.nodes.get(id)?.name;
}
