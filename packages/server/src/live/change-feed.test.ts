import { type Change, defaultTailnetId, type NodeId, parseAuthRequestId } from "@headscale/tailnet";
import { describe, expect, test } from "vitest";
import { ChangeFeed, FeedOverrunError } from "./change-feed.ts";

const authId = parseAuthRequestId(`hskey-authreq-${"a".repeat(24)}`);
const change = (revision: number) => ({ subject: "node", kind: "node-renamed", revision }) as unknown as Change;
const verdict = { subject: "auth-request", id: authId } as unknown as Change;
const never = new AbortController().signal;

describe("news", () => {
  test("come in order from the call on, not from the first read on", async () => {
    const feed = new ChangeFeed(4096);
    feed.publish([change(1)]);
    const news = feed.news(never);
    feed.publish([change(2)]);
    feed.publish([change(3), change(4)]);
    feed.publishPresence({ kind: "node-online", tailnet: defaultTailnetId, id: 1 as NodeId, at: 0 });
    expect((await news.next()).value).toEqual([
      change(2),
      change(3),
      change(4),
      expect.objectContaining({ kind: "node-online" }),
    ]);
    await news.return(undefined);
  });

  test("wake a reader that waits", async () => {
    const feed = new ChangeFeed(4096);
    const next = feed.news(never).next();
    feed.publish([change(1)]);
    expect((await next).value).toEqual([change(1)]);
  });

  test("end with the signal, for a reader that waits and for one that never began", async () => {
    const feed = new ChangeFeed(4096);
    const stop = new AbortController();
    const waiting = feed.news(stop.signal).next();
    const unread = feed.news(stop.signal);
    stop.abort();
    expect((await waiting).done).toBe(true);
    expect((await unread.next()).done).toBe(true);
    expect((await feed.news(stop.signal).next()).done).toBe(true);
  });

  test("tell a reader who has fallen too far behind to start over, and keep no more for it", async () => {
    const feed = new ChangeFeed(4096);
    const news = feed.news(never);
    const other = feed.news(never);
    for (let i = 0; i < 5000; i++) feed.publish([change(i)]);
    await expect(news.next()).rejects.toThrow(FeedOverrunError);
    expect((await news.next()).done).toBe(true);
    await expect(other.next()).rejects.toThrow(FeedOverrunError);
  });

  test("reach a quick reader whatever a slow one does", async () => {
    const feed = new ChangeFeed(4096);
    feed.news(never);
    const quick = feed.news(never);
    let heard = 0;
    for (let i = 0; i < 6000; i++) {
      feed.publish([change(i)]);
      heard += (await quick.next()).value?.length ?? 0;
    }
    expect(heard).toBe(6000);
  });
});

describe("settled", () => {
  test("wakes everybody who waits for that login, and nobody else", async () => {
    const feed = new ChangeFeed(4096);
    let others = 0;
    void feed.settled(parseAuthRequestId(`hskey-authreq-${"b".repeat(24)}`), 60_000, never).then(() => others++);
    const both = [feed.settled(authId, 60_000, never), feed.settled(authId, 60_000, never)];
    feed.publish([change(1), verdict]);
    await Promise.all(both);
    expect(others).toBe(0);
  });

  test("ends by itself when the time is over or the client has gone", async () => {
    const feed = new ChangeFeed(4096);
    const stop = new AbortController();
    const waits = [feed.settled(authId, 1, never), feed.settled(authId, 60_000, stop.signal)];
    stop.abort();
    await Promise.all([...waits, feed.settled(authId, 60_000, AbortSignal.abort())]);
    const again = feed.settled(authId, 60_000, never);
    feed.publish([verdict]);
    await again;
  });
});
