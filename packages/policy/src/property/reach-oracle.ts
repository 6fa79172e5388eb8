import { type Addr, type Prefix, parseAddr, parsePrefix, prefixContains } from "@headscale/netip";
import type { PolicyNode, PolicyUser } from "../engine.ts";
import { groups, type PlainPolicy, type PlainRule } from "./random-policy.ts";
import { isExitNode, subnetRoutesOf } from "./random-tailnet.ts";

/** The plainest reading of a policy: rule by rule, selector by selector, address by address. Slow on purpose. */
export interface Packet {
  readonly from: Addr;
  readonly to: Addr;
  readonly port: number;
  readonly protocol: number;
}

const numbers: Readonly<Record<string, number>> = { tcp: 6, udp: 17, icmp: 1, gre: 47 };

export class ReachOracle {
  readonly #policy: PlainPolicy;
  readonly #users: readonly PolicyUser[];
  readonly #nodes: readonly PolicyNode[];

  constructor(policy: PlainPolicy, users: readonly PolicyUser[], nodes: readonly PolicyNode[]) {
    this.#policy = policy;
    this.#users = users;
    this.#nodes = nodes;
  }

  /** May the packet enter at `receiver`, which has the destination's address or serves a route to it? */
  admits(receiver: PolicyNode, packet: Packet): boolean {
    return [...this.#policy.grants, ...this.#policy.acls].some((rule) => this.#ruleAdmits(rule, receiver, packet));
  }

  #ruleAdmits(rule: PlainRule, receiver: PolicyNode, packet: Packet): boolean {
    if (!rule.ip.some((service) => serves(service, packet))) return false;
    return rule.dst.some((target) => {
      if (target === "autogroup:self") return rule.via.length === 0 && this.#selfAdmits(rule, receiver, packet);
      return (
        this.#leads(target, rule, receiver, packet.to) &&
        rule.src.some((source) => this.#isSource(source, rule.posture, packet.from))
      );
    });
  }

  #selfAdmits(rule: PlainRule, receiver: PolicyNode, packet: Packet): boolean {
    const sender = this.#nodes.find((node) => addresses(node).includes(packet.from));
    if (sender === undefined || sender.tags.length > 0 || receiver.tags.length > 0 || sender.userId !== receiver.userId)
      return false;
    if (!addresses(receiver).includes(packet.to)) return false;
    return rule.src.some((source) => this.#denotes(source, sender)) && (!rule.posture || managed(sender));
  }

  #leads(target: string, rule: PlainRule, receiver: PolicyNode, to: Addr): boolean {
    const routed = subnetRoutesOf(receiver).some((route) => prefixContains(route, to));
    const own = addresses(receiver).includes(to);
    if (rule.via.length > 0 && !rule.via.some((tag) => receiver.tags.includes(tag))) return false;
    if (target === "autogroup:internet") return isExitNode(receiver) && isPublic(to);
    const literal = literalOf(target);
    if (literal !== undefined) {
      if (!literal(to)) return false;
      return routed || (rule.via.length === 0 && (own || (isExitNode(receiver) && isPublic(to))));
    }
    if (rule.via.length > 0) return false;
    return target === "*" || (own && this.#denotes(target, receiver));
  }

  #isSource(source: string, posture: boolean, from: Addr): boolean {
    const literal = literalOf(source);
    if (literal !== undefined) return literal(from);
    if (source === "*" && !posture)
      return (
        inTailnet(from) || this.#nodes.some((node) => subnetRoutesOf(node).some((route) => prefixContains(route, from)))
      );
    if (source === "autogroup:danger-all" && !posture) return true;
    return this.#nodes.some(
      (node) => addresses(node).includes(from) && this.#denotes(source, node) && (!posture || managed(node)),
    );
  }

  #denotes(selector: string, node: PolicyNode): boolean {
    if (selector === "*" || selector === "autogroup:danger-all") return true;
    if (selector.startsWith("tag:")) return node.tags.includes(selector);
    if (selector === "autogroup:tagged") return node.tags.length > 0;
    if (node.tags.length > 0) return false;
    const owner = this.#users.find(({ id }) => id === node.userId);
    if (selector === "autogroup:member") return true;
    if (owner === undefined) return false;
    if (selector === "autogroup:admin") return owner.roles?.includes("admin") === true;
    if (selector.startsWith("user:*@")) return owner.loginName.endsWith(selector.slice("user:*".length));
    return (groups[selector] ?? [selector]).includes(owner.loginName);
  }
}

function serves(service: string, { port, protocol }: Packet): boolean {
  const [ports, name] = service.split(":").reverse() as [string, string | undefined];
  const spoken = name === undefined ? [6, 17, 1, 58] : [numbers[name] ?? 0];
  if (!spoken.includes(protocol)) return false;
  if (ports === "*") return true;
  const [first, last = first] = ports.split("-").map(Number) as [number, number?];
  return port >= first && port <= last;
}

/** Membership in a selector that stands for addresses by itself. */
function literalOf(selector: string): ((addr: Addr) => boolean) | undefined {
  if (selector === "near") return (addr) => addr === "100.64.0.4";
  if (selector === "ipset:some") {
    const within = (text: string, addr: Addr) => prefixContains(text as Prefix, addr);
    return (addr) =>
      (within("10.0.0.0/15", addr) && !within("10.0.1.128/25", addr)) || addr === "100.64.0.5" || addr === "100.64.0.6";
  }
  if (selector.includes("/")) return (addr) => prefixContains(parsePrefix(selector), addr);
  return /^[\d.]+$|^[0-9a-f:]+:[0-9a-f]*$/.test(selector) ? (addr) => addr === parseAddr(selector) : undefined;
}

function inTailnet(addr: Addr): boolean {
  const within = (text: string) => prefixContains(text as Prefix, addr);
  return (within("100.64.0.0/10") && !within("100.115.92.0/23")) || within("fd7a:115c:a1e0::/48");
}

function isPublic(addr: Addr): boolean {
  if (addr.includes(":")) return prefixContains("2000::/3" as Prefix, addr);
  const closed = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16"] as Prefix[];
  return !closed.some((prefix) => prefixContains(prefix, addr));
}

function managed(node: PolicyNode): boolean {
  return node.attributes?.["custom:managed"] === true;
}

export function addresses(node: PolicyNode): Addr[] {
  return [node.addresses.v4, node.addresses.v6].filter((addr) => addr !== undefined);
}
