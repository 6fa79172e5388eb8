import { create } from "@bufbuild/protobuf";
import { Code, ConnectError, type ServiceImpl } from "@connectrpc/connect";
import { type WatchRequest, WatchResponseSchema, type WatchService } from "@headscale/gen/headscale/v1/watch_pb.ts";
import type { Change, TailnetId } from "@headscale/tailnet";
import { tailnetNamed } from "@headscale/tailnet/commands";
import { FeedOverrunError, type News } from "#live/change-feed.ts";
import type { Live } from "#live/live.ts";
import { isOfKinds, toChange, toPresenceChange } from "./change-to-proto.ts";
import type { AdminLimits } from "./limits.ts";
import { allTailnets } from "./scope.ts";

/** What a watch that resumes reads first. */
export interface ChangeHistory {
  changesSince(revisions: ReadonlyMap<TailnetId, number>): Promise<readonly Change[]>;
}

export function watchService(
  live: Live,
  history: ChangeHistory,
  limits: Pick<AdminLimits, "watchers" | "watchQuietMs">,
): ServiceImpl<typeof WatchService> {
  let watchers = 0;
  return {
    async *watch(request, { signal }) {
      if (watchers >= limits.watchers)
        throw new ConnectError("too many watches are open: try again later", Code.ResourceExhausted);
      watchers++;
      try {
        yield* watch(live, history, request, limits.watchQuietMs, signal);
      } finally {
        watchers--;
      }
    },
  };
}

async function* watch(live: Live, history: ChangeHistory, request: WatchRequest, quietMs: number, signal: AbortSignal) {
  const cursor = new Cursor(live, request);
  // Listening begins before the past is read, so that nothing falls between the two.
  const news = live.feed.news(signal);
  yield cursor.mark();
  for (const change of await cursor.past(history)) yield* cursor.tell(change);
  try {
    for await (const batch of withQuiet(news, quietMs)) {
      if (batch === "quiet") yield cursor.mark();
      else for (const item of batch) yield* cursor.tell(item);
    }
  } catch (error) {
    if (!(error instanceof FeedOverrunError)) throw error;
    throw new ConnectError("this watch fell too far behind: resume it from the last revision", Code.Aborted);
  }
}

/** What one watch is about, and how far it has been told. */
class Cursor {
  readonly #live: Live;
  readonly #request: WatchRequest;
  /** Undefined: of all tailnets. */
  readonly #tailnet: TailnetId | undefined;
  #said: number;

  constructor(live: Live, request: WatchRequest) {
    this.#live = live;
    this.#request = request;
    this.#tailnet = request.tailnet === allTailnets ? undefined : tailnetNamed(live.world, request.tailnet).id;
    if (this.#tailnet === undefined && request.afterRevision !== undefined) {
      throw new ConnectError('after_revision: not together with tailnet "*"', Code.InvalidArgument);
    }
    const now = this.#tailnet === undefined ? 0 : (live.world.revisions.get(this.#tailnet) ?? 0);
    // As after a database was restored from a copy: waiting would pass over what happens until then.
    if ((request.afterRevision ?? 0n) > BigInt(now))
      throw new ConnectError(`after_revision: this server is at revision ${now} only`, Code.OutOfRange);
    this.#said = Number(request.afterRevision ?? now);
  }

  /** A message without a change: how far everything has been told. */
  mark() {
    return create(WatchResponseSchema, { revision: BigInt(this.#said) });
  }

  /** What happened after the revision that the caller names. */
  async past(history: ChangeHistory): Promise<readonly Change[]> {
    if (this.#request.afterRevision === undefined || this.#tailnet === undefined) return [];
    return history.changesSince(new Map([[this.#tailnet, this.#said]]));
  }

  *tell(news: News) {
    if (this.#tailnet !== undefined && news.tailnet !== this.#tailnet) return;
    if ("revision" in news) {
      if (this.#tailnet !== undefined && news.revision <= this.#said) return;
      if (this.#tailnet !== undefined) this.#said = news.revision;
    } else if (!this.#request.presence) return;
    if (!isOfKinds(news, this.#request.kinds)) return;
    const change = "revision" in news ? toChange(this.#live, news) : toPresenceChange(this.#live, news);
    yield create(WatchResponseSchema, { revision: BigInt(this.#said), change });
  }
}

/** The items of a stream, and "quiet" whenever none came for `ms`. */
async function* withQuiet<T>(items: AsyncGenerator<T>, ms: number): AsyncGenerator<T | "quiet"> {
  let next = items.next();
  try {
    for (;;) {
      const { promise, resolve } = Promise.withResolvers<"quiet">();
      const timer = setTimeout(() => resolve("quiet"), ms);
      const first = await Promise.race([next, promise]).finally(() => clearTimeout(timer));
      if (first === "quiet") yield "quiet";
      else if (first.done) return;
      else {
        next = items.next();
        // Whoever asks next sees a failure; until a slow reader does, it is nobody's.
        next.catch(() => undefined);
        yield first.value;
      }
    }
  } finally {
    await items.return(undefined);
  }
}
