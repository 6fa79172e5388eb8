import { once } from "node:events";
import { readdirSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { DerpMaps, type DerpMapsOptions } from "./derp-maps.ts";
import { Folder } from "./folder.fixture.ts";

const region = (id: number, code: string) => ({
  [id]: { RegionID: id, RegionCode: code, RegionName: code, Nodes: [] },
});
const mapText = (regions: object) => JSON.stringify({ Regions: regions });

/** A web server on the loopback that says what it is told to. */
async function webServer() {
  let answer: RequestListener = (_request, response) => response.end(mapText(region(1, "web")));
  const server = createServer((request, response) => void answer(request, response)).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/derpmap`,
    say: (next: RequestListener) => {
      answer = next;
    },
    [Symbol.dispose]: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

function maps(folder: Folder, over: Partial<DerpMapsOptions> = {}) {
  const failed: [string, string][] = [];
  const loaded: number[] = [];
  const derpMaps = new DerpMaps({
    urls: [],
    paths: [],
    cacheDir: join(folder.path, "cache"),
    fetchTimeoutMs: 2000,
    fetchBytes: 10_000,
    fileBytes: 10_000,
    refreshMs: undefined,
    embedded: undefined,
    onLoaded: (count) => loaded.push(count),
    onFailed: (source, error) => failed.push([source, String(error)]),
    ...over,
  });
  const codes = async () => Object.values((await derpMaps.load()).Regions).map(({ RegionCode }) => RegionCode);
  return { derpMaps, codes, failed, loaded };
}

describe("DerpMaps", () => {
  test("put files over URLs, and the server's own relay over both", async () => {
    using folder = new Folder();
    using web = await webServer();
    web.say((_request, response) =>
      response.end(mapText({ ...region(1, "web"), ...region(2, "web"), ...region(3, "web") })),
    );
    const path = folder.write("derp.yaml", "regions:\n  2:\n    regionid: 2\n    regioncode: file\n  3: null\n");
    const embedded = { RegionID: 999, RegionCode: "own", RegionName: "Own", Nodes: [] };
    const { codes, failed, loaded } = maps(folder, { urls: [web.url], paths: [path], embedded });
    expect(await codes()).toEqual(["web", "file", "own"]);
    expect([failed, loaded]).toEqual([[], [3]]);
  });

  test.for([
    {
      says: "answers an error",
      answer: ((_request, response) => response.writeHead(503).end()) as RequestListener,
      error: "503",
    },
    {
      says: "answers something else",
      answer: ((_request, response) => response.end("<html>")) as RequestListener,
      error: "",
    },
    { says: "answers nothing", answer: ((_request, response) => response.end()) as RequestListener, error: "empty" },
    {
      says: "answers without end",
      answer: ((_request, response) => response.end("x".repeat(20_000))) as RequestListener,
      error: "10000 bytes",
    },
    { says: "hangs up", answer: ((request) => request.socket.destroy()) as RequestListener, error: "" },
    { says: "does not answer in time", answer: (() => undefined) as RequestListener, error: "timeout" },
  ])("keep what a URL last said when it $says, also over a restart", async ({ answer, error }) => {
    using folder = new Folder();
    using web = await webServer();
    const options = { urls: [web.url], fetchTimeoutMs: 300 };
    const before = maps(folder, { ...options, fetchTimeoutMs: 5000 });
    expect(await before.codes()).toEqual(["web"]);
    web.say(answer);
    const later = maps(folder, options);
    expect(await later.codes()).toEqual(["web"]);
    expect(later.failed).toEqual([[web.url, expect.stringContaining(error)]]);
    expect(await before.codes()).toEqual(["web"]);
  });

  test("have no region of a URL that never answered", async () => {
    using folder = new Folder();
    using web = await webServer();
    web.say((_request, response) => response.writeHead(500).end());
    const { codes, failed } = maps(folder, { urls: [web.url] });
    expect(await codes()).toEqual([]);
    expect(failed).toHaveLength(1);
  });

  test("use an answer that they cannot keep", async () => {
    using folder = new Folder();
    using web = await webServer();
    const cacheDir = join(folder.write("file", ""), "cache");
    const { codes, failed } = maps(folder, { urls: [web.url], cacheDir });
    expect(await codes()).toEqual(["web"]);
    expect(failed).toEqual([[expect.stringContaining(cacheDir), expect.anything()]]);
  });

  test("do not take what one URL said for another's word", async () => {
    using folder = new Folder();
    using web = await webServer();
    await maps(folder, { urls: [web.url] }).codes();
    const { codes } = maps(folder, { urls: [`${web.url}/other`] });
    web.say((_request, response) => response.writeHead(500).end());
    expect(await codes()).toEqual([]);
    expect(readdirSync(join(folder.path, "cache"))).toHaveLength(1);
  });

  test.for([
    { says: "is bad", text: "regions: [" },
    { says: "names a region that is none", text: mapText({ zero: {} }) },
    { says: "is empty for a moment", text: "" },
  ])("keep what a file last said when it $says", async ({ text }) => {
    using folder = new Folder();
    const path = folder.write("derp.json", mapText(region(900, "file")));
    const { codes, failed } = maps(folder, { paths: [path] });
    expect(await codes()).toEqual(["file"]);
    folder.write("derp.json", text);
    expect(await codes()).toEqual(["file"]);
    expect(failed).toHaveLength(1);
  });

  test("take in a file that was replaced, and one from which all regions were taken", async () => {
    using folder = new Folder();
    const path = folder.write("derp.json", mapText(region(900, "old")));
    const { codes } = maps(folder, { paths: [path] });
    await codes();
    await folder.replace("derp.json", mapText(region(901, "new")));
    expect(await codes()).toEqual(["new"]);
    await folder.replace("derp.json", mapText({}));
    expect(await codes()).toEqual([]);
  });

  test("go on refreshing, one round at a time, whatever a listener makes of it", async () => {
    using folder = new Folder();
    using web = await webServer();
    const { derpMaps, failed } = maps(folder, { urls: [web.url], refreshMs: 10 });
    using _maps = derpMaps;
    const heard: string[] = [];
    derpMaps.refresh((map) => {
      heard.push(...Object.values(map.Regions).map(({ RegionCode }) => RegionCode));
      if (heard.length === 1) throw new Error("listener's bug");
    });
    await expect.poll(() => heard.length).toBeGreaterThan(1);
    web.say((_request, response) => response.end(mapText(region(1, "new"))));
    await expect.poll(() => heard.at(-1)).toBe("new");
    expect(failed).toEqual([["relay map", "Error: listener's bug"]]);
  });

  /** Codes of the last map that was applied. */
  const followed = (derpMaps: DerpMaps) => {
    const heard: string[][] = [];
    derpMaps.refresh((map) => heard.push(Object.values(map.Regions).map(({ RegionCode }) => RegionCode)));
    return heard;
  };

  test("take in a file as soon as it changes, without asking any URL again", async () => {
    using folder = new Folder();
    using web = await webServer();
    let asked = 0;
    web.say((_request, response) => {
      asked++;
      response.end(mapText(region(1, "web")));
    });
    const path = folder.write("derp.json", mapText(region(900, "old")));
    const { derpMaps, codes, failed } = maps(folder, { urls: [web.url], paths: [path] });
    using _maps = derpMaps;
    await codes();
    const heard = followed(derpMaps);
    await folder.replace("derp.json", mapText(region(900, "new")));
    await expect.poll(() => heard.at(-1)).toEqual(["web", "new"]);
    expect([asked, failed]).toEqual([1, []]);
  });

  test("ask a URL that failed at the start again, though nobody wants them refreshed, and then no more", async () => {
    using folder = new Folder();
    using web = await webServer();
    const answers = [500, 503, 200];
    web.say((_request, response) => {
      const status = answers.shift() ?? 500;
      response.writeHead(status).end(status === 200 ? mapText(region(1, "web")) : "");
    });
    const { derpMaps, codes, failed } = maps(folder, { urls: [web.url], retryMs: { first: 5, last: 10 } });
    using _maps = derpMaps;
    expect(await codes()).toEqual([]);
    const heard = followed(derpMaps);
    await expect.poll(() => heard.at(-1)).toEqual(["web"]);
    expect([answers, failed.length]).toEqual([[], 2]);
  });

  test("read everything again when told to", async () => {
    using folder = new Folder();
    using web = await webServer();
    const { derpMaps, codes } = maps(folder, { urls: [web.url] });
    using _maps = derpMaps;
    await codes();
    const heard = followed(derpMaps);
    web.say((_request, response) => response.end(mapText(region(1, "new"))));
    await derpMaps.reload();
    expect(heard).toEqual([["new"]]);
  });

  test("wait for the slowest URL, not for each in turn", async () => {
    using folder = new Folder();
    using web = await webServer();
    const waiting: (() => void)[] = [];
    web.say((_request, response) => {
      waiting.push(() => void response.end(mapText({})));
      // Answers come once all have asked.
      if (waiting.length === 3) for (const answer of waiting) answer();
    });
    const urls = ["a", "b", "c"].map((name) => `${web.url}/${name}`);
    const { codes, failed } = maps(folder, { urls });
    expect([await codes(), failed]).toEqual([[], []]);
  });
});
