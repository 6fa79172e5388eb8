import type { Compilation } from "#compile/compilation.ts";
import { splitHostPort } from "#syntax/destination.ts";
import type { AccessTest, Located } from "#syntax/policy-document.ts";
import { parseProtocol } from "#syntax/ports.ts";
import { lexSelector } from "#syntax/selector.ts";
import { pairVerdict } from "./pair-verdict.ts";
import { findAllowing, type Question } from "./reach.ts";
import { type Subject, subjectsOf } from "./subject.ts";
import { fault, shownAs, type TestAssertion } from "./test-assertion.ts";

const testable: ReadonlySet<number> = new Set([6, 17, 132, 1, 58]);
const withoutPorts: ReadonlySet<number> = new Set([1, 58]);

/** Every assertion of an entry of `tests`; a single one about the entry where that is at fault as a whole. */
export function accessAssertions(compilation: Compilation, test: AccessTest): TestAssertion[] {
  const at = test.span.start;
  if (test.accept.length === 0 && test.deny.length === 0)
    return [fault(at, 'test entry must have at least one of "accept" or "deny"')];
  const protocols = parseProtocols(test.proto);
  if (protocols === undefined)
    return [fault(at, `proto "${test.proto}" cannot be tested; use tcp, udp, sctp or icmp`, { proto: test.proto })];
  const sources = subjectsOf(compilation, lexSelector(test.src, 0), undefined);
  if ("error" in sources) return [fault(at, `src: ${sources.error}`)];
  if (sources.length === 0) return [fault(at, `src "${test.src}" has no addresses`)];
  const attributes = Object.keys(test.srcPostureAttrs).length > 0 ? { attributes: test.srcPostureAttrs } : {};
  const check = (address: Located, expected: "accept" | "deny") => ({
    ...checkAddress(compilation, sources, address, { protocols, ...attributes }, expected),
    proto: test.proto,
  });
  return [
    ...test.accept.map((address) => check(address, "accept")),
    ...test.deny.map((address) => check(address, "deny")),
  ];
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
  { text, at }: Located,
  asked: Omit<Question, "port">,
  expected: "accept" | "deny",
): TestAssertion {
  const wrong = (error: string) => fault(at, `address "${text}": ${error}`, { dst: text, expected });
  const split = splitHostPort(text);
  if ("error" in split) return wrong(split.error);
  const port = parsePort(split.ports, asked.protocols);
  if (port === undefined) return wrong("the port must be a single number from 1 to 65535");
  const owner =
    sources.length > 0 && sources.every(({ node }) => node?.ownerId === sources[0]?.node?.ownerId)
      ? sources[0]?.node?.ownerId
      : undefined;
  const targets = subjectsOf(compilation, lexSelector(split.host, 0), owner);
  if ("error" in targets) return wrong(targets.error);
  const pairs = sources.flatMap((from) => targets.map((to) => [from, to] as const));
  const [first] = pairs;
  if (first === undefined) return wrong("has no addresses");
  const question = { ...asked, port };
  const reached = (pair: (typeof pairs)[number]) => findAllowing(compilation, ...pair, question) !== undefined;
  const failing = pairs.find((pair) => reached(pair) !== (expected === "accept"));
  const got = failing === undefined ? expected : expected === "accept" ? "deny" : "accept";
  const decided = pairVerdict(compilation, ...(failing ?? first), question);
  const error =
    failing === undefined ? undefined : `address "${text}": want: ${shownAs[expected]}, got: ${shownAs[got]}`;
  return { at, dst: text, proto: "", login: "", expected, got, error, decided };
}

/** One port; 0 for protocols that have none. */
function parsePort(text: string, protocols: readonly number[]): number | undefined {
  const portless = protocols.every((protocol) => withoutPorts.has(protocol));
  if (portless) return text === "0" ? 0 : undefined;
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  return port >= 1 && port <= 65535 ? port : undefined;
}
