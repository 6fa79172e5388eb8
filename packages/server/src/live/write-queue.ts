import { apply, type Change, type Circumstances, type Command, decide, type World } from "@headscale/tailnet";

/** The part of a store that the queue needs. */
export interface CommitLog {
  /** Resolves when durable. @throws with code "stale-revision" or "conflict" when another writer was first. */
  commit(changes: readonly Change[]): Promise<void>;
}

interface Waiting {
  readonly command: Command<unknown>;
  readonly actor: string;
  resolve(result: unknown): void;
  reject(reason: unknown): void;
}

export interface WriteQueueOptions {
  readonly log: CommitLog;
  readonly world: World;
  given(actor: string): Circumstances;
  /** Called after every durable batch, before its commands are answered: the announcement. */
  committed(before: World, after: World, changes: readonly Change[]): void;
  onError(what: string, error: unknown): void;
  /** What another writer committed since this world, in an order that can be applied. */
  catchUp(world: World): Promise<readonly Change[]>;
  /** Whether there can be other writers. */
  readonly isShared?: boolean;
  /** Longest line of waiting commands. */
  readonly maxWaiting: number;
}

/** Decisions on the same commands that other writers may overtake before the commands are given up. */
const maxDecisions = 32;

/** The queue is full: the caller should come back later. */
export class QueueFullError extends Error {
  override readonly name = "QueueFullError";
  constructor() {
    super("too many changes are waiting to be written");
  }
}

/**
 * The one writer. Commands that wait while a commit is on its way are decided together, one on top of the other, and
 * share the next commit: durable, then visible, then announced.
 */
export class WriteQueue {
  readonly #options: WriteQueueOptions;
  #world: World;
  #waiting: Waiting[] = [];
  #isBehind = false;
  #running: Promise<void> | undefined;

  constructor(options: WriteQueueOptions) {
    this.#options = options;
    this.#world = options.world;
  }

  /** The newest durable world. */
  get world(): World {
    return this.#world;
  }

  get length(): number {
    return this.#waiting.length;
  }

  /** Another writer has committed: its changes are taken in and announced before the next batch. Resolves afterwards. */
  catchUp(): Promise<void> {
    this.#isBehind = true;
    this.#running ??= this.#run();
    return this.#running;
  }

  /** Decides and commits; resolves after the change is durable and visible. @throws {TailnetError | QueueFullError} */
  execute<R>(command: Command<R>, actor: string): Promise<R> {
    if (this.#waiting.length >= this.#options.maxWaiting) return Promise.reject(new QueueFullError());
    return new Promise<R>((resolve, reject) => {
      this.#waiting.push({ command, actor, resolve: resolve as (result: unknown) => void, reject });
      this.#running ??= this.#run();
    });
  }

  /** Resolves when nothing is being written. */
  async idle(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    // Commands given in the same turn of the event loop share a batch.
    await Promise.resolve();
    while (this.#waiting.length > 0 || this.#isBehind) {
      if (this.#isBehind) await this.#takeIn();
      const batch = this.#waiting;
      this.#waiting = [];
      await this.#commit(batch);
    }
    // In the same turn as the last look at the queue: nothing can come in between and be left lying.
    this.#running = undefined;
  }

  async #commit(batch: readonly Waiting[], decisions = 1): Promise<void> {
    let before = this.#world;
    let decided = this.#decideAll(batch);
    // A refusal may come of not yet knowing what another writer has told the client already.
    if (decided.refusals > 0 && this.#options.isShared && (await this.#takeIn()) && this.#world !== before) {
      before = this.#world;
      decided = this.#decideAll(batch);
    }
    const { world, changes, answers } = decided;
    try {
      if (changes.length > 0) await this.#options.log.commit(changes);
    } catch (reason) {
      if (isStale(reason) && decisions < maxDecisions && (await this.#takeIn())) {
        await this.#commit(batch, decisions + 1);
        return;
      }
      for (const { reject } of batch) reject(reason);
      return;
    }
    if (changes.length > 0) {
      this.#world = world;
      this.#announce(before, changes);
    }
    for (const answer of answers) answer();
  }

  /** Applies and announces what another writer committed; false when it cannot be read. */
  async #takeIn(): Promise<boolean> {
    this.#isBehind = false;
    const before = this.#world;
    try {
      const changes = await this.#options.catchUp(before);
      this.#world = changes.reduce(apply, before);
      if (changes.length > 0) this.#announce(before, changes);
      return true;
    } catch (error) {
      this.#options.onError("reading what another writer committed", error);
      return false;
    }
  }

  /** What is durable is true, whatever the announcement makes of it. */
  #announce(before: World, changes: readonly Change[]): void {
    try {
      this.#options.committed(before, this.#world, changes);
    } catch (error) {
      this.#options.onError("announcing a change", error);
    }
  }

  #decideAll(batch: readonly Waiting[]) {
    let world = this.#world;
    const changes: Change[] = [];
    const answers: (() => void)[] = [];
    let refusals = 0;
    for (const { command, actor, resolve, reject } of batch) {
      try {
        const decided = decide(world, command, this.#options.given(actor));
        world = decided.changes.reduce(apply, world);
        changes.push(...decided.changes);
        answers.push(() => resolve(decided.result));
      } catch (refusal) {
        refusals++;
        answers.push(() => reject(refusal));
      }
    }
    return { world, changes, answers, refusals };
  }
}

/** Another writer was first: in this tailnet, or in another one with the same id, address or name. */
function isStale(reason: unknown): boolean {
  const { code } = reason as { readonly code?: unknown };
  return code === "stale-revision" || code === "conflict";
}
