import { FeedOverrunError, type News } from "#live/change-feed.ts";
import type { Live } from "#live/live.ts";
import * as events from "#telemetry/events.ts";
import type { Telemetry } from "#telemetry/telemetry.ts";

/** Logs and counts every durable change, and lets each scrape of the metrics ask how large things are. */
export function observeLive(live: Live, connections: () => number, telemetry: Telemetry): Disposable {
  const { nodes, users, queueDepth, mapStreams, noiseConnections } = telemetry.metrics;
  nodes.onScrape((gauge) => gauge.set({}, live.world.nodes.size));
  users.onScrape((gauge) => gauge.set({}, live.world.users.size));
  queueDepth.onScrape((gauge) => gauge.set({}, live.backlog));
  noiseConnections.onScrape((gauge) => gauge.set({}, connections()));
  mapStreams.onScrape((gauge) => {
    let open = 0;
    for (const tailnet of live.tailnets) open += tailnet.sessions.count;
    gauge.set({}, open);
  });
  const stopping = new AbortController();
  follow(live, telemetry, stopping.signal).catch((error: unknown) =>
    events.unexpectedError(telemetry, "the change log", error),
  );
  return { [Symbol.dispose]: () => stopping.abort() };
}

async function follow(live: Live, telemetry: Telemetry, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      for await (const batch of live.feed.news(signal)) {
        for (const news of batch) tell(live, telemetry, news);
      }
    } catch (error) {
      if (!(error instanceof FeedOverrunError)) throw error;
    }
  }
}

function tell(live: Live, telemetry: Telemetry, news: News): void {
  const tailnet = live.world.tailnets.get(news.tailnet)?.name;
  if ("actor" in news) {
    const { kind, id, actor, after } = news;
    const name = after && "name" in after ? after.name : undefined;
    events.changeCommitted(telemetry, { kind, id, name, actor, tailnet });
  } else {
    const name = live.world.nodes.get(news.id)?.name;
    events.nodePresence(telemetry, { kind: news.kind, id: news.id, name, tailnet });
  }
}
