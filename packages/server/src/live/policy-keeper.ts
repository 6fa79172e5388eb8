import {
  type CompileInput,
  compileTested,
  type Policy,
  PolicyError,
  type PolicyUser,
  parsePolicy,
  renderProblem,
  tailnetDomains,
} from "@headscale/policy";
import {
  defaultTailnetId,
  type NodeId,
  nodesOf,
  type PolicyRevision,
  type TailnetId,
  usersOf,
  type World,
} from "@headscale/tailnet";
import { autoApproveAll, setPolicy } from "@headscale/tailnet/commands";
import { readBoundedFile } from "#config/bounded-file.ts";
import { watchFileByName } from "./file-watch.ts";
import type { Live } from "./live.ts";
import { policyNode, policyUser } from "./policy-input.ts";

/** A policy cannot be changed the way it was tried. */
export class PolicyKeeperError extends Error {
  override readonly name = "PolicyKeeperError";
}

interface ReadPolicy {
  readonly text: string;
  readonly policy: Policy | undefined;
}

export type PolicySource = { readonly mode: "database" } | { readonly mode: "file"; readonly path: string | undefined };

export interface PolicyKeeperOptions {
  readonly source: PolicySource;
  /** The largest policy, and the largest file of one. */
  readonly maxBytes: number;
  readonly fileBytes: number;
  onLoaded(source: string): void;
  onRefused(source: string, error: unknown): void;
}

/**
 * Where policies come from: the database, in revisions, for every tailnet; or a file for the default tailnet, read again
 * when it changes. A text that does not hold never replaces one that does.
 */
export class PolicyKeeper implements Disposable {
  readonly #options: PolicyKeeperOptions;
  readonly #parsed = new Map<TailnetId, ReadPolicy>();
  #file: ReadPolicy | undefined;
  #watch: Disposable | undefined;

  private constructor(options: PolicyKeeperOptions) {
    this.#options = options;
  }

  /** @throws {PolicyKeeperError} when the file does not hold: a start without the policy that somebody wrote would open everything. */
  static async open(options: PolicyKeeperOptions): Promise<PolicyKeeper> {
    const keeper = new PolicyKeeper(options);
    if (options.source.mode === "file" && options.source.path !== undefined)
      keeper.#take(options.source.path, await keeper.#read(options.source.path));
    return keeper;
  }

  /** Whether the tailnet's policy is a file that cannot be set. */
  isFile(tailnet: TailnetId): boolean {
    return this.#options.source.mode === "file" && tailnet === defaultTailnetId;
  }

  /** The text in force; undefined when there is none. */
  textOf(world: World, tailnet: TailnetId): string | undefined {
    return this.isFile(tailnet) ? this.#file?.text : world.policies.get(tailnet)?.text;
  }

  /**
   * The policy in force; undefined allows everything. A stored text was checked when it was written; one that no longer
   * holds, from another version or an import, allows nothing until an administrator sets one that does.
   */
  documentOf(world: World, tailnet: TailnetId): Policy | undefined {
    if (this.isFile(tailnet)) return this.#file?.policy;
    const text = world.policies.get(tailnet)?.text;
    if (text === undefined) return undefined;
    const known = this.#parsed.get(tailnet);
    if (known?.text === text) return known.policy;
    const policy = this.#stored(tailnet, text);
    this.#parsed.set(tailnet, { text, policy });
    return policy;
  }

  #stored(tailnet: TailnetId, text: string): Policy | undefined {
    try {
      // One that was taken under a larger limit stays in force.
      return documentFrom(text, Number.POSITIVE_INFINITY);
    } catch (error) {
      this.#options.onRefused(`the stored policy of tailnet ${tailnet}`, error);
      return parsePolicy(`{"acls": []}`);
    }
  }

  /** Parses a text and runs its own tests against the tailnet's users and nodes; returns its warnings. @throws {PolicyError} */
  check(live: Live, tailnet: TailnetId, text: string): Policy["warnings"] {
    const input = this.inputFor(live, tailnet, text);
    compileTested(input);
    return input.policy?.warnings ?? [];
  }

  /** What a text would be compiled with. @throws {PolicyError} */
  inputFor(live: Live, tailnet: TailnetId, text: string | undefined): CompileInput {
    const { world } = live;
    const { primaries } = live.tailnet(tailnet).routers;
    const users = usersOf(world, tailnet).map(policyUser);
    return {
      policy: text === undefined ? undefined : documentFrom(text, this.#options.maxBytes, users),
      users,
      nodes: nodesOf(world, tailnet).map((node) => policyNode(node, live.presence(node.id), primaries)),
      settings: live.policySettings,
    };
  }

  /** Checks a text and puts it in force as a new revision. @throws {PolicyError | PolicyKeeperError | TailnetError} */
  async set(live: Live, tailnet: TailnetId, text: string, actor: string, ifRevision?: number): Promise<PolicyRevision> {
    if (this.isFile(tailnet)) {
      throw new PolicyKeeperError(
        "update is disabled for modes other than 'database': edit the file that policy.path names",
      );
    }
    this.check(live, tailnet, text);
    const revision = await live.execute(setPolicy(tailnet, text, ifRevision), actor);
    await this.#putInForce(live, tailnet);
    return revision;
  }

  /** Reads the file again; a bad one keeps the policy before it. */
  async reload(live: Live): Promise<void> {
    const { source, onRefused } = this.#options;
    if (source.mode !== "file" || source.path === undefined) return;
    try {
      const read = await this.#read(source.path);
      if (read.text === this.#file?.text) return;
      placed(source.path, read.text, () => this.check(live, defaultTailnetId, read.text));
      this.#take(source.path, read);
      await this.#putInForce(live, defaultTailnetId);
    } catch (error) {
      onRefused(source.path, error);
    }
  }

  /** Watches the file. */
  watch(live: Live): void {
    const { source, onRefused } = this.#options;
    if (source.mode !== "file" || source.path === undefined) return;
    const { path } = source;
    this.#watch = watchFileByName(
      path,
      () => void this.reload(live),
      (error) => onRefused(path, error),
    );
  }

  /** @throws {PolicyKeeperError} naming the file and the place in it */
  async #read(path: string): Promise<ReadPolicy> {
    const { fileBytes, maxBytes } = this.#options;
    const text = await readBoundedFile(path, fileBytes).catch((cause: unknown) => {
      throw new PolicyKeeperError(`policy.path: ${path} cannot be read`, { cause });
    });
    return placed(path, text, () => ({ text, policy: documentFrom(text, Math.max(maxBytes, fileBytes)) }));
  }

  #take(path: string, read: ReadPolicy): void {
    this.#file = read;
    this.#options.onLoaded(path);
  }

  async #putInForce(live: Live, tailnet: TailnetId): Promise<void> {
    live.setPolicyDocument(tailnet, this.documentOf(live.world, tailnet));
    const ids: readonly NodeId[] = nodesOf(live.world, tailnet).map(({ id }) => id);
    await live.execute(autoApproveAll(ids), "system");
  }

  [Symbol.dispose](): void {
    this.#watch?.[Symbol.dispose]();
  }
}

/** Runs what reads the text of a file; a refusal shows the first place that is wrong. */
function placed<T>(path: string, text: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error;
    const [first] = error.problems;
    throw new PolicyKeeperError(`policy.path: ${first ? renderProblem(text, first, path) : error.message}`);
  }
}

/** Blank text is no policy. @throws {PolicyError} */
function documentFrom(text: string, maxBytes: number, users: Iterable<PolicyUser> = []): Policy | undefined {
  return text.trim() === "" ? undefined : parsePolicy(text, { maxBytes, domains: tailnetDomains(users) });
}
