import { X509Certificate } from "node:crypto";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { folderCache } from "./certificate-cache.ts";
import {
  type CertificateEvent,
  type CertificateManager,
  type CertificateManagerOptions,
  createCertificateManager,
} from "./certificate-manager.ts";
import { AcmeDirectory } from "./testing/acme-directory.ts";
import { FakeClock } from "./testing/fake-clock.ts";
import { MemoryCache } from "./testing/memory-cache.ts";

const day = 86_400_000;
const minute = 60_000;
const start = Date.UTC(2026, 0, 1);

let folder: string;
let clock: FakeClock;
let authority: AcmeDirectory;
let second: AcmeDirectory;
let manager: CertificateManager | undefined;
let events: CertificateEvent[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "acme-manager-"));
  clock = new FakeClock(start);
  const http01 = async (token: string) => manager?.http01(token);
  authority = new AcmeDirectory("https://first.example/acme", { now: () => clock.now(), http01, lifetimeDays: 90 });
  second = new AcmeDirectory("https://second.example/acme", { now: () => clock.now(), http01, lifetimeDays: 90 });
  events = [];
});

afterEach(async () => {
  await manager?.[Symbol.asyncDispose]();
  manager = undefined;
  await rm(folder, { recursive: true });
});

/** A manager whose authorities are the two doubles; restarted when called again. */
async function open(options: Partial<CertificateManagerOptions> = {}): Promise<CertificateManager> {
  await manager?.[Symbol.asyncDispose]();
  manager = await createCertificateManager({
    names: ["hs.example.org"],
    directories: [{ url: authority.url }],
    challenge: "HTTP-01",
    cache: folderCache(folder),
    clock,
    fetch: (input, init) => (String(input).startsWith(second.url) ? second : authority).fetch(input, init),
    onEvent: (event) => events.push(event),
    ...options,
  });
  return manager;
}

const names = (cert = "") => new X509Certificate(cert).subjectAltName;
const kinds = () => events.map(({ kind }) => kind);

describe("createCertificateManager", () => {
  test("has nothing until started, then a certificate for every name", async () => {
    const opened = await open({ names: ["hs.example.org", "192.0.2.7", "derp.example.org"] });
    expect(opened.current()).toBeUndefined();
    opened.start();
    await clock.advance(minute);
    expect(names(opened.current()?.cert)).toBe("DNS:hs.example.org, IP Address:192.0.2.7, DNS:derp.example.org");
    expect(kinds()).toEqual(["issued"]);
  });

  test("tells listeners of each certificate until they stop listening", async () => {
    const opened = await open();
    const heard: string[] = [];
    const stop = opened.onChange(({ cert }) => heard.push(cert));
    opened.start();
    await clock.advance(61 * day);
    stop();
    await clock.advance(61 * day);
    expect(heard).toHaveLength(2);
    expect(authority.orders).toHaveLength(3);
  });

  test("renews after two thirds of the lifetime, naming no replacement where there is no ARI", async () => {
    const opened = await open();
    opened.start();
    await clock.advance(59 * day);
    const first = opened.current()?.cert;
    expect(authority.orders).toHaveLength(1);
    await clock.advance(1.5 * day);
    expect(authority.orders).toHaveLength(2);
    expect(authority.orders[1]?.replaces).toBeUndefined();
    expect(opened.current()?.cert).not.toBe(first);
  });

  test("renews when the authority's window says so, and names the certificate it replaces", async () => {
    const window = { start: new Date(start + 10 * day), end: new Date(start + 11 * day) };
    authority.renewalWindow = { start: window.start.toISOString(), end: window.end.toISOString() };
    (await open()).start();
    await clock.advance(9 * day);
    expect(authority.orders).toHaveLength(1);
    authority.renewalWindow = {
      start: new Date(start + 40 * day).toISOString(),
      end: new Date(start + 41 * day).toISOString(),
    };
    await clock.advance(30 * day);
    expect(authority.orders).toHaveLength(1);
    await clock.advance(1.5 * day);
    expect(authority.orders).toHaveLength(2);
    expect(authority.orders[1]?.replaces).toMatch(/^[\w-]+\.[\w-]+$/);
  });

  test("orders without naming a replacement when the authority counts it as replaced already", async () => {
    authority.renewalWindow = { start: "2026-01-10T00:00:00Z", end: "2026-01-11T00:00:00Z" };
    authority.refuseReplaces = true;
    (await open()).start();
    await clock.advance(9.5 * day);
    expect(authority.orders).toHaveLength(2);
    expect(kinds()).not.toContain("failed");
  });

  test("starts from the cache without asking anybody", async () => {
    (await open()).start();
    await clock.advance(minute);
    const issued = manager?.current();
    authority.down = true;
    const again = await open();
    expect(again.current()).toEqual(issued);
    again.start();
    await clock.advance(day);
    expect(authority.orders).toHaveLength(1);
    expect(authority.accounts.size).toBe(1);
  });

  test("orders anew when the cached certificate is damaged", async () => {
    (await open()).start();
    await clock.advance(minute);
    const file = (await readdir(folder)).find((name) => name.startsWith("certificate-")) ?? "";
    await writeFile(join(folder, file), '{"key":"nonsense","cert":"nonsense"}');
    const again = await open();
    expect(again.current()).toBeUndefined();
    again.start();
    await clock.advance(minute);
    expect(authority.orders).toHaveLength(2);
    expect(authority.accounts.size).toBe(1);
  });

  test("keeps trying while the authority is down at start", async () => {
    authority.down = true;
    (await open()).start();
    await clock.advance(3 * 3_600_000);
    expect(kinds()).not.toContain("issued");
    expect(events.length).toBeGreaterThan(10);
    authority.down = false;
    await clock.advance(11 * minute);
    expect(manager?.current()).toBeDefined();
    expect(events.at(-1)).toMatchObject({ kind: "issued", directory: authority.url });
  });

  test("serves the old certificate while renewal fails", async () => {
    const opened = await open();
    opened.start();
    await clock.advance(minute);
    const first = opened.current();
    authority.down = true;
    await clock.advance(100 * day);
    expect(opened.current()).toEqual(first);
    authority.down = false;
    await clock.advance(11 * minute);
    expect(opened.current()).not.toEqual(first);
  });

  test("asks the second authority when the first fails", async () => {
    authority.failValidation = true;
    const opened = await open({ directories: [{ url: authority.url }, { url: second.url }] });
    opened.start();
    await clock.advance(minute);
    expect(kinds()).toEqual(["failed", "issued"]);
    expect(events[0]).toMatchObject({
      directory: authority.url,
      error: { code: "challenge-failed", problem: "unauthorized" },
    });
    expect(opened.current()).toBeDefined();
    expect(second.orders).toHaveLength(1);
  });

  test("replaces at once what an authority issued that is no longer configured", async () => {
    (await open()).start();
    await clock.advance(minute);
    const staging = manager?.current();
    const opened = await open({ directories: [{ url: second.url }] });
    expect(opened.current()).toEqual(staging);
    opened.start();
    await clock.advance(minute);
    expect(second.orders).toHaveLength(1);
    expect(opened.current()).not.toEqual(staging);
  });

  test("survives many refused nonces", async () => {
    authority.refusedNonces = 9;
    (await open()).start();
    await clock.advance(minute);
    expect(kinds()).toEqual(["issued"]);
  });

  test("leaves a rate-limiting authority alone for as long as it asks", async () => {
    authority.rateLimitSeconds = 7_200;
    (await open()).start();
    await clock.advance(119 * minute);
    expect(kinds()).toEqual(["failed"]);
    expect(events[0]).toMatchObject({ error: { code: "refused", problem: "rateLimited" } });
    authority.rateLimitSeconds = undefined;
    await clock.advance(2 * minute);
    expect(kinds()).toEqual(["failed", "issued"]);
  });

  test("registers again when the authority has forgotten the account", async () => {
    (await open()).start();
    await clock.advance(minute);
    authority.accounts.clear();
    await clock.advance(61 * day);
    expect(authority.orders).toHaveLength(2);
    expect(kinds()).toEqual(["issued", "issued"]);
  });

  test("adopts what another daemon put into the shared cache", async () => {
    const opened = await open();
    opened.start();
    await clock.advance(minute);
    const otherClock = new FakeClock(start + 30 * day);
    const otherAuthority = new AcmeDirectory(authority.url, {
      now: () => otherClock.now(),
      http01: async (token) => opened.http01(token), // answered by the first daemon, out of the shared cache
      lifetimeDays: 90,
    });
    const otherFolder = folderCache(folder);
    const cache = {
      ...otherFolder,
      get: async (key: string) => (key.startsWith("challenge/") ? otherFolder.get(key) : undefined),
    };
    await using other = await createCertificateManager({
      names: ["hs.example.org"],
      directories: [{ url: authority.url }],
      challenge: "HTTP-01",
      cache,
      clock: otherClock,
      fetch: otherAuthority.fetch,
    });
    other.start();
    await otherClock.advance(minute);
    expect(other.current()).toBeDefined();
    await clock.advance(7 * 3_600_000);
    expect(opened.current()).toEqual(other.current());
    expect(events.at(-1)?.kind).toBe("adopted");
  });

  describe("with a cache that other daemons share", () => {
    const shared = new MemoryCache();
    beforeEach(() => shared.held.clear());

    /** Another daemon, with a clock of its own. */
    async function openOther() {
      const its = { clock: new FakeClock(start), events: [] as CertificateEvent[] };
      const other = await createCertificateManager({
        names: ["hs.example.org"],
        directories: [{ url: authority.url }],
        challenge: "HTTP-01",
        cache: shared,
        clock: its.clock,
        fetch: authority.fetch,
        onEvent: (event) => its.events.push(event),
      });
      other.start();
      return { ...its, other };
    }

    test("orders once for all of them, whoever begins", async () => {
      const opened = await open({ cache: shared });
      const second = await openOther();
      await using other = second.other;
      opened.start();
      await Promise.all([clock.advance(minute), second.clock.advance(minute)]);
      expect(authority.orders).toHaveLength(1);
      expect([...kinds(), ...second.events.map(({ kind }) => kind)].toSorted()).toEqual(["adopted", "issued"]);
      expect(other.current()).toEqual(opened.current());
    });

    test("is not waited for when it died with the right to order", async () => {
      const first = await open({ cache: shared });
      first.start();
      await clock.advance(minute);
      const [lease = ""] = [...shared.held.keys()].filter((key) => key.startsWith("lease/"));
      for (const key of [...shared.held.keys()]) if (key.startsWith("certificate/")) shared.held.delete(key);
      const reopened = await open({ cache: shared });
      await shared.put(lease, JSON.stringify({ holder: "dead", until: clock.now() + 3 * minute }));
      reopened.start();
      await clock.advance(2 * minute);
      expect(reopened.current()).toBeUndefined();
      await clock.advance(2 * minute);
      expect(reopened.current()).toBeDefined();
      expect(authority.orders).toHaveLength(2);
    });

    test("leaves the authority alone after another's failure", async () => {
      authority.failValidation = true;
      const opened = await open({ cache: shared });
      opened.start();
      await clock.advance(10_000);
      expect(kinds()).toEqual(["failed"]);
      const second = await openOther();
      await using _other = second.other;
      await second.clock.advance(30_000);
      expect(second.events).toEqual([]);
      expect(authority.orders).toHaveLength(1);
    });
  });

  test("keeps its certificate when the cache cannot be written", async () => {
    const healthy = folderCache(folder);
    const put = async (key: string, value: string) => {
      if (key.startsWith("certificate/")) throw new Error("disk full");
      return healthy.put(key, value);
    };
    const opened = await open({ cache: { ...healthy, put } });
    opened.start();
    await clock.advance(minute);
    expect(opened.current()).toBeDefined();
    expect(kinds()).toContain("cache-failed");
  });

  test.for([
    { names: ["hs.example.org", "192.0.2.7"], profiles: { shortlived: "", classic: "" }, picked: "shortlived" },
    { names: ["hs.example.org"], profiles: { shortlived: "", classic: "" }, picked: undefined },
    { names: ["192.0.2.7"], profiles: { classic: "" }, picked: undefined },
    { names: ["hs.example.org"], profiles: { classic: "" }, profile: "classic", picked: "classic" },
  ])("picks profile $picked for $names", async ({ names, profiles, picked, profile }) => {
    authority.profiles = profiles as Record<string, string>;
    (await open({ names, ...(profile && { profile }) })).start();
    await clock.advance(minute);
    expect(authority.orders[0]?.profile).toBe(picked);
    expect(kinds()).toEqual(["issued"]);
  });

  test("says which profiles there are when the configured one is not", async () => {
    authority.profiles = { classic: "" };
    (await open({ profile: "tlsserver" })).start();
    await clock.advance(1);
    expect(events[0]).toMatchObject({ error: { code: "bad-setting", message: expect.stringContaining("classic") } });
  });

  test("tells the authority of a changed mail address", async () => {
    (await open({ email: "old@example.org" })).start();
    await clock.advance(minute);
    (await open({ email: "new@example.org" })).start();
    await clock.advance(61 * day);
    expect(authority.contacts).toEqual([["mailto:old@example.org"], ["mailto:new@example.org"]]);
  });

  test.for([
    { says: "no names", options: { names: [] }, code: "bad-setting" },
    { says: "a wildcard", options: { names: ["*.example.org"] }, code: "bad-name" },
    { says: "no directory", options: { directories: [] }, code: "bad-setting" },
    { says: "a directory without TLS", options: { directories: [{ url: "http://a/" }] }, code: "bad-setting" },
  ])("refuses $says", async ({ options, code }) => {
    await expect(open(options)).rejects.toThrow(expect.objectContaining({ code }));
  });

  test.for(["", "../certificate/0a", "a".repeat(129), "unknown", "a/b", "%00"])(
    "has no answer for the token %j",
    async (token) => {
      expect(await (await open()).http01(token)).toBeUndefined();
    },
  );
});
