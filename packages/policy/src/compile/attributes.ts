import type { CapMap } from "@headscale/tailcfg";
import type { NodeFacts } from "#resolve/node-facts.ts";
import type { PolicyIndex } from "#resolve/policy-index.ts";
import type { Resolution } from "#resolve/resolution.ts";
import { SlotSet } from "#resolve/slot-set.ts";
import type { NodeAttr, Policy } from "#syntax/policy-document.ts";
import type { PolicySettings } from "../engine.ts";

export interface PlannedAttributes {
  readonly entry: NodeAttr;
  readonly targets: readonly number[];
}

export function planAttributes(index: PolicyIndex, policy: Policy | undefined): PlannedAttributes[] {
  return (policy?.nodeAttrs ?? []).map((entry) => ({
    entry,
    targets: entry.target.map((selector) => index.selector(selector)),
  }));
}

const noCapabilities: CapMap = {};
const adminCapability = "https://tailscale.com/cap/is-admin";
const ownerCapability = "https://tailscale.com/cap/is-owner";

/** What comes with `funnel`; ports as the client knows them: tailscale ipn/serve.go@de9ec7ee. */
const funnelPorts = "https://tailscale.com/cap/funnel-ports?ports=443,8443,10000";
const funnelNeedsHttps = "https://tailscale.com/cap/warn-funnel-no-https";

/** Attributes that clients read from the records of their peers. */
const peerAttributes = ["dns-subdomain-resolve"] as const;

/** Capabilities of nodes; the same object for nodes with the same ones. */
export class Attributes {
  readonly #resolution: Resolution;
  readonly #planned: readonly PlannedAttributes[];
  readonly #settings: PolicySettings;
  readonly #targets: (SlotSet | undefined)[] = [];
  readonly #maps = new Map<string, CapMap>();

  constructor(resolution: Resolution, planned: readonly PlannedAttributes[], settings: PolicySettings) {
    this.#resolution = resolution;
    this.#planned = planned;
    this.#settings = settings;
  }

  self(facts: NodeFacts): CapMap {
    const entries = [...this.#planned.keys()].filter((index) => this.#target(index).has(facts.slot));
    const extra = [...this.#tailnetWide(facts), ...this.#roles(facts)];
    const key = `${entries.join(",")};${extra.join(",")}`;
    const known = this.#maps.get(key) ?? this.#make(entries, extra);
    this.#maps.set(key, known);
    return known;
  }

  peer(facts: NodeFacts): CapMap {
    const own = this.self(facts);
    const names = peerAttributes.filter((name) => Object.hasOwn(own, name));
    const shown = facts.exitRoutes.length > 0 ? [...names, "suggest-exit-node"] : names;
    if (shown.length === 0) return noCapabilities;
    const key = `peer;${shown.join(",")}`;
    const known = this.#maps.get(key) ?? Object.fromEntries(shown.map((name) => [name, null]));
    this.#maps.set(key, known);
    return known;
  }

  #target(index: number): SlotSet {
    const known = this.#targets[index];
    if (known !== undefined) return known;
    const targets = this.#planned[index]?.targets ?? [];
    const found = SlotSet.unionOf(targets.map((selector) => this.#resolution.holders(selector)));
    this.#targets[index] = found;
    return found;
  }

  #make(entries: readonly number[], extra: readonly string[]): CapMap {
    const map = new Map<string, readonly unknown[] | null>(extra.map((name) => [name, null]));
    const granted = entries.map((index) => this.#planned[index]?.entry).filter((entry) => entry !== undefined);
    for (const name of granted.flatMap(({ attr }) => attr)) map.set(name, null);
    for (const [name, values] of granted.flatMap(({ app }) => [...app]))
      map.set(name, [...(map.get(name) ?? []), ...(values ?? [])]);
    if (map.has("funnel")) {
      map.set(funnelPorts, null);
      if (this.#settings.httpsCertificates !== true) map.set(funnelNeedsHttps, null);
    }
    return map.size === 0 ? noCapabilities : Object.fromEntries(map);
  }

  #tailnetWide(facts: NodeFacts): string[] {
    const policy = this.#resolution.index.policy;
    const names = policy?.randomizeClientPort === true ? ["randomize-client-port"] : [];
    const isMac = /^mac/i.test(facts.node.os ?? "");
    if (policy?.oneCGNATRoute !== undefined && isMac)
      names.push(`one-cgnat?v=${policy.oneCGNATRoute === "mac-always"}`);
    return names;
  }

  #roles(facts: NodeFacts): string[] {
    const roles = this.#resolution.roster.directory.user(facts.ownerId)?.roles ?? [];
    const names = roles.includes("owner") || roles.includes("admin") ? [adminCapability] : [];
    return roles.includes("owner") ? [...names, ownerCapability] : names;
  }
}
