import { NodeKey } from "@headscale/tailcfg/keys";
import { describe, expect, test } from "vitest";
import { cutFrames } from "#testing/frames.ts";
import { hex } from "#testing/hex.ts";
import { decodeMessage, isMessageType } from "./messages.ts";

const KEY = "22".repeat(32);
const peer = NodeKey.parse(`nodekey:${KEY}`);
const ADDRESS = "00000000000000000000ffff01020304";

describe("decodeMessage", () => {
  // The first six come from tailscale derp/client_test.go@de9ec7ee.
  test.for([
    { says: "ping", frame: "12 00000008 0102030405060708", is: { kind: "ping", payload: hex("0102030405060708") } },
    { says: "pong", frame: "13 00000008 0102030405060708", is: { kind: "pong", payload: hex("0102030405060708") } },
    { says: "trouble", frame: "14 00000003 424144", is: { kind: "health", text: "BAD" } },
    { says: "the end of trouble", frame: "14 00000000", is: { kind: "health", text: "" } },
    {
      says: "a restart",
      frame: "15 00000008 00000001 00000002",
      is: { kind: "restarting", reconnectInMs: 1, tryForMs: 2 },
    },
    { says: "keep-alive", frame: "06 00000000", is: { kind: "keep-alive" } },
    {
      says: "a ping with more to it",
      frame: "12 00000009 010203040506070809",
      is: { kind: "ping", payload: hex("0102030405060708") },
    },
    { says: "a packet", frame: `05 00000022 ${KEY} abcd`, is: { kind: "packet", source: peer, packet: hex("abcd") } },
    { says: "a peer gone, by an old relay", frame: `08 00000020 ${KEY}`, is: { kind: "peer-gone", peer, reason: 0 } },
    { says: "a peer not here", frame: `08 00000021 ${KEY} 01`, is: { kind: "peer-gone", peer, reason: 1 } },
    {
      says: "a peer of a relay that tells no address",
      frame: `09 00000020 ${KEY}`,
      is: { kind: "peer-present", peer, flags: 0 },
    },
    {
      says: "a peer without flags",
      frame: `09 00000032 ${KEY} ${ADDRESS} a2a9`,
      is: { kind: "peer-present", peer, address: hex(ADDRESS), port: 41_641, flags: 0 },
    },
    {
      says: "a peer",
      frame: `09 00000033 ${KEY} ${ADDRESS} a2a9 08`,
      is: { kind: "peer-present", peer, address: hex(ADDRESS), port: 41_641, flags: 8 },
    },
    {
      says: "a peer of a later relay",
      frame: `09 00000037 ${KEY} ${ADDRESS} a2a9 01 03616263`,
      is: { kind: "peer-present", peer, address: hex(ADDRESS), port: 41_641, flags: 1 },
    },
  ])("reads $says", ({ frame, is }) => {
    const [first] = cutFrames(hex(frame)).frames;
    expect(decodeMessage(first?.type ?? 0, first?.payload ?? Buffer.alloc(0))).toEqual(is);
  });

  test.for([
    { says: "a packet of less than a key", type: 0x05, bytes: 31 },
    { says: "a peer gone of less than a key", type: 0x08, bytes: 31 },
    { says: "a peer present of less than a key", type: 0x09, bytes: 31 },
    { says: "a short ping", type: 0x12, bytes: 7 },
    { says: "a short pong", type: 0x13, bytes: 7 },
    { says: "a short restart", type: 0x15, bytes: 7 },
    { says: "a type of a later release", type: 0x77, bytes: 40 },
  ])("passes over $says", ({ type, bytes }) => {
    expect(decodeMessage(type, Buffer.alloc(bytes))).toBeUndefined();
  });

  test("knows which types it can read", () => {
    const known = Array.from({ length: 256 }, (_, type) => type).filter(isMessageType);
    expect(known).toEqual([0x05, 0x06, 0x08, 0x09, 0x12, 0x13, 0x14, 0x15]);
  });
});
