import { describe, expect, test } from "vitest";
import { BoxIdentity } from "#box/nacl-box.ts";
import { privateKey } from "#testing/relay-fixture.ts";
import { openServerInfo, sealServerInfo } from "./server-info.ts";

const client = new BoxIdentity(privateKey(2));
const server = new BoxIdentity(privateKey(3));
const sealing = server.boxWith(client.publicKey);
const opening = client.boxWith(server.publicKey);

describe("sealServerInfo", () => {
  test("says the version and no more when there is no limit", () => {
    expect(opening.open(sealServerInfo(sealing))?.toString()).toBe('{"version":2}');
  });

  test("never tells a rate without a burst: clients would drop every packet", () => {
    const sealed = sealServerInfo(sealing, { bytesPerSecond: 1_000, burstBytes: 70_000 });
    expect(JSON.parse(opening.open(sealed)?.toString() ?? "")).toEqual({
      version: 2,
      TokenBucketBytesPerSecond: 1_000,
      TokenBucketBytesBurst: 70_000,
    });
    expect(openServerInfo(opening, sealed)).toEqual({
      version: 2,
      tokenBucketBytesPerSecond: 1_000,
      tokenBucketBytesBurst: 70_000,
    });
  });
});

describe("openServerInfo", () => {
  test.for([Buffer.alloc(0), Buffer.alloc(24), Buffer.alloc(53), sealing.seal(Buffer.from("[]"))])(
    "refuses %o",
    (sealed) => {
      expect(() => openServerInfo(opening, sealed)).toThrow(expect.objectContaining({ code: "bad-login" }));
    },
  );
});
