import type { Compilation } from "#compile/compilation.ts";
import { splitHostPort } from "#syntax/destination.ts";
import type { AccessTest } from "#syntax/policy-document.ts";
import { parseProtocol } from "#syntax/ports.ts";
import { lexSelector } from "#syntax/selector.ts";
import { findAllowing, type Question } from "./reach.ts";
import { type Subject, subjectsOf } from "./subject.ts";

const testable: ReadonlySet<number> = new Set([6, 17, 132, 1, 58]);
const withoutPorts: ReadonlySet<number> = new Set([1, 58]);

/** Everything that is wrong with an assertion of `tests`; none when it holds. */
export function accessTestErrors(compilation: Compilation, test: AccessTest): string[] {
  if (test.accept.length === 0 && test.deny.length === 0)
    return ['test entry must have at least one of "accept" or "deny"'];
  const protocols = parseProtocols(test.proto);
  if (protocols === undefined) return [`proto "${test.proto}" cannot be tested; use tcp, udp, sctp or icmp`];
  const sources = subjectsOf(compilation, lexSelector(test.src, 0), undefined);
  if ("error" in sources) return [`src: ${sources.error}`];
  if (sources.length === 0) return [`src "${test.src}" has no addresses`];
  const attributes = Object.keys(test.srcPostureAttrs).length > 0 ? { attributes: test.srcPostureAttrs } : {};
  const check = (text: string, wanted: boolean) =>
    checkAddress(compilation, sources, text, { protocols, ...attributes }, wanted);
  return [...test.accept.map((text) => check(text, true)), ...test.deny.map((text) => check(text, false))].filter(
    (error) => error !== undefined,
  );
}

function parseProtocols(text: string): readonly number[] | undefined {
  const protocol = parseProtocol(text);
  if (protocol === undefined) return [6, 17];
  return typeof protocol === "number" && testable.has(protocol) ? [protocol] : undefined;
}

/** `accept` wants every source to reach every device behind the address, `deny` none to reach any. */
function checkAddress(
  compilation: Compilation,
  sources: readonly Subject[],
  text: string,
  asked: Omit<Question, "port">,
  wanted: boolean,
): string | undefined {
  const split = splitHostPort(text);
  if ("error" in split) return `address "${text}": ${split.error}`;
  const port = parsePort(split.ports, asked.protocols);
  if (port === undefined) return `address "${text}": the port must be a single number from 1 to 65535`;
  const owner =
    sources.length > 0 && sources.every(({ node }) => node?.ownerId === sources[0]?.node?.ownerId)
      ? sources[0]?.node?.ownerId
      : undefined;
  const targets = subjectsOf(compilation, lexSelector(split.host, 0), owner);
  if ("error" in targets) return `address "${text}": ${targets.error}`;
  if (targets.length === 0) return `address "${text}": has no addresses`;
  const pairs = sources.flatMap((from) => targets.map((to) => [from, to] as const));
  const wrong = pairs.some(
    ([from, to]) => (findAllowing(compilation, from, to, { ...asked, port }) !== undefined) !== wanted,
  );
  if (!wrong) return undefined;
  return `address "${text}": want: ${wanted ? "Accept" : "Drop"}, got: ${wanted ? "Drop" : "Accept"}`;
}

/** One port; 0 for protocols that have none. */
function parsePort(text: string, protocols: readonly number[]): number | undefined {
  const portless = protocols.every((protocol) => withoutPorts.has(protocol));
  if (portless) return text === "0" ? 0 : undefined;
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  return port >= 1 && port <= 65535 ? port : undefined;
}
