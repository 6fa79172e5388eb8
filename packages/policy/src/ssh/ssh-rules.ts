import type { Addr } from "@headscale/netip";
import type { SSHAction, SSHPrincipal, SSHRule } from "@headscale/tailcfg";
import type { NodeFacts } from "#resolve/node-facts.ts";
import type { Resolution } from "#resolve/resolution.ts";
import { SlotSet } from "#resolve/slot-set.ts";
import { loginDomain } from "#resolve/user-directory.ts";
import type { PlannedSshRule } from "./ssh-plan.ts";

/** A rule for clients together with the policy rule that it was made from. */
export interface OwnedSshRule {
  readonly planned: PlannedSshRule;
  readonly wire: SSHRule;
}

/** Turns planned SSH rules into what one node receives. */
export class SshCompiler {
  readonly #resolution: Resolution;
  readonly #rules: readonly PlannedSshRule[];
  readonly #serverUrl: string;
  readonly #groups = new Map<string, SourceGroups>();
  readonly #wire = new Map<string, readonly OwnedSshRule[]>();

  constructor(resolution: Resolution, rules: readonly PlannedSshRule[], serverUrl: string) {
    this.#resolution = resolution;
    this.#rules = rules;
    this.#serverUrl = serverUrl;
  }

  /** The node's rules in the order in which its client tries them: all checks first. Equal for nodes that share the key. */
  rulesFor(facts: NodeFacts): readonly OwnedSshRule[] {
    const shares = this.#rules.map((planned) => this.#shares(planned, facts));
    const key = shares.map((share) => share.join("+")).join("|");
    const known = this.#wire.get(key);
    if (known !== undefined) return known;
    const rules = this.#rules.flatMap((planned, index) =>
      (shares[index] ?? []).flatMap((share) => this.#make(planned, share)),
    );
    const checks = rules.filter(({ wire }) => wire.action.holdAndDelegate !== undefined);
    const ordered = [...checks, ...rules.filter((rule) => !checks.includes(rule))];
    this.#wire.set(key, ordered);
    return ordered;
  }

  /**
   * Which parts of a rule the node receives: `all` sources, those of one owner (`owner:ID`), or the tagged node's
   * own (`slot:N`). A source of a rule with local parts that is no destination gets the part about its own owner:
   * the hosted service does so.
   */
  #shares(planned: PlannedSshRule, facts: NodeFacts): string[] {
    const groups = this.#sources(planned);
    const shares: string[] = [];
    const owner = facts.ownerId;
    if (planned.toSelf && owner !== undefined && groups.byOwner.has(owner)) shares.push(`owner:${owner}`);
    if (planned.dests.length === 0) return shares;
    if (planned.dests.some((selector) => this.#resolution.holders(selector).has(facts.slot))) shares.push("all");
    else if (planned.localPartDomains.length > 0 && groups.nodes.has(facts.slot)) {
      shares.push(owner === undefined ? `slot:${facts.slot}` : `owner:${owner}`);
    }
    return shares;
  }

  #make(planned: PlannedSshRule, share: string): OwnedSshRule[] {
    const groups = this.#sources(planned);
    const [kind, id] = share.split(":");
    if (kind === "owner") return this.#forOwner(planned, Number(id), groups.byOwner.get(Number(id)) ?? []);
    if (kind === "slot") {
      const addrs = this.#resolution.roster.bySlot[Number(id)]?.addrs ?? [];
      return [this.#rule(planned, principals(addrs), planned.users)];
    }
    const owners = [...groups.byOwner.keys()].sort((a, b) => a - b);
    if (planned.localPartDomains.length > 0) {
      const split = owners.flatMap((owner) => this.#forOwner(planned, owner, groups.byOwner.get(owner) ?? []));
      return groups.tagged.length === 0 ? split : [...split, this.#rule(planned, groups.tagged, planned.users)];
    }
    const everybody = [...owners.flatMap((owner) => groups.byOwner.get(owner) ?? []), ...groups.tagged];
    return everybody.length === 0 ? [] : [this.#rule(planned, everybody, planned.users)];
  }

  /** The common rule for one owner's devices and, where the domain fits, one for the local part of the login. */
  #forOwner(planned: PlannedSshRule, owner: number, sources: readonly SSHPrincipal[]): OwnedSshRule[] {
    if (sources.length === 0) return [];
    const common = this.#rule(planned, sources, planned.users);
    const login = this.#resolution.roster.directory.user(owner)?.loginName ?? "";
    const at = login.lastIndexOf("@");
    if (at < 1 || !planned.localPartDomains.includes(loginDomain(login))) return [common];
    const local = login.slice(0, at);
    return [common, this.#rule(planned, sources, { [local]: local })];
  }

  #rule(
    planned: PlannedSshRule,
    from: readonly SSHPrincipal[],
    sshUsers: Readonly<Record<string, string>>,
  ): OwnedSshRule {
    const { acceptEnv } = planned.rule;
    const wire: SSHRule = { principals: from, sshUsers, action: this.#action(planned) };
    return { planned, wire: acceptEnv === undefined ? wire : { ...wire, acceptEnv } };
  }

  #action(planned: PlannedSshRule): SSHAction {
    const recording = this.#recording(planned);
    if (planned.rule.action === "check") {
      const path = "/machine/ssh/action/$SRC_NODE_ID/to/$DST_NODE_ID?local_user=$LOCAL_USER";
      return { holdAndDelegate: this.#serverUrl + path, ...recording };
    }
    const accept = {
      accept: true,
      allowAgentForwarding: true,
      allowLocalPortForwarding: true,
      allowRemotePortForwarding: true,
    };
    return { ...accept, ...recording };
  }

  #recording(planned: PlannedSshRule): Pick<SSHAction, "recorders" | "onRecordingFailure"> {
    if (planned.recorders.length === 0) return {};
    const nodes = SlotSet.unionOf(planned.recorders.map((tag) => this.#resolution.holders(tag)));
    const addrs = this.#resolution.roster.inOrder(nodes).flatMap((facts) => facts.addrs);
    const recorders = addrs.map((addr) => (addr.includes(":") ? `[${addr}]:80` : `${addr}:80`));
    if (!planned.rule.enforceRecorder) return { recorders };
    const failure = "The session must be recorded, and no recorder can be reached.";
    return {
      recorders,
      onRecordingFailure: { RejectSessionWithMessage: failure, TerminateSessionWithMessage: failure },
    };
  }

  #sources(planned: PlannedSshRule): SourceGroups {
    const key = String(planned.source);
    const known = this.#groups.get(key) ?? groupSources(this.#resolution, planned.source);
    this.#groups.set(key, known);
    return known;
  }
}

/** Source nodes of a rule as principals, by owner, and those with tags. */
interface SourceGroups {
  readonly nodes: SlotSet;
  readonly byOwner: ReadonlyMap<number, readonly SSHPrincipal[]>;
  readonly tagged: readonly SSHPrincipal[];
}

function groupSources(resolution: Resolution, source: number): SourceGroups {
  const { nodes } = resolution.source(source);
  const byOwner = new Map<number, SSHPrincipal[]>();
  const tagged: SSHPrincipal[] = [];
  for (const facts of resolution.roster.inOrder(nodes)) {
    const own = principals(facts.addrs);
    if (facts.ownerId === undefined) tagged.push(...own);
    else byOwner.set(facts.ownerId, [...(byOwner.get(facts.ownerId) ?? []), ...own]);
  }
  return { nodes, byOwner, tagged };
}

function principals(addrs: readonly Addr[]): SSHPrincipal[] {
  return addrs.map((nodeIP) => ({ nodeIP }));
}

/** Whether a rule lets the source address log in under the name, as the client decides it. */
export function sshUserAllowed(users: Readonly<Record<string, string>>, login: string): boolean {
  if (login === "") return false;
  if (Object.hasOwn(users, login)) return users[login] !== "";
  return login !== "root" && Object.hasOwn(users, "*") && users["*"] !== "";
}
