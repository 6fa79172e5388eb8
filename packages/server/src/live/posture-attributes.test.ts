import { describe, expect, test } from "vitest";
import { postureAttributes, sameAttributes } from "./posture-attributes.ts";

describe("postureAttributes", () => {
  test.for([
    [{ OS: "macOS" }, { "node:os": "macos", "node:tsAutoUpdate": false }],
    [
      { OS: "linux", OSVersion: "6.1", AllowsUpdate: true },
      { "node:os": "linux", "node:osVersion": "6.1", "node:tsAutoUpdate": true },
    ],
    [{ IPNVersion: "1.80.2-t1a2b3c-g4d5e" }, { "node:tsVersion": "1.80.2", "node:tsReleaseTrack": "stable" }],
    [{ IPNVersion: "1.95.0-dev20260101" }, { "node:tsVersion": "1.95.0", "node:tsReleaseTrack": "unstable" }],
    [{ IPNVersion: "unknown" }, {}],
    [{ StateEncrypted: true }, { "node:tsStateEncrypted": true }],
    [{ StateEncrypted: null, OSVersion: "" }, {}],
    [{}, {}],
  ] as const)("makes of %j: %j", ([hostinfo, attributes]) => {
    expect(postureAttributes(hostinfo)).toEqual(attributes);
  });
});

describe("sameAttributes", () => {
  test.for([
    [{ OS: "linux", Hostname: "a" }, { OS: "linux", Hostname: "b" }, true],
    [{ OS: "linux", IPNVersion: "1.80.0" }, { OS: "linux", IPNVersion: "1.82.0" }, false],
    [{ OS: "macOS" }, { OS: "macos" }, false],
  ] as const)("of %j and %j: %s", ([a, b, same]) => {
    expect(sameAttributes(a, b)).toBe(same);
  });
});
