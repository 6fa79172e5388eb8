import { describe, expect, test } from "vitest";
import { DiscoKey, NLKey, NodeKey } from "#keys/keys.ts";
import { DecodeError } from "./decode-error.ts";
import { goZeroTime } from "./go-time.ts";
import { decodeMapRequest, decodeRegisterRequest } from "./requests.ts";

const nodeKey = NodeKey.parse(`nodekey:${"11".repeat(32)}`);
const discoKey = DiscoKey.parse(`discokey:${"22".repeat(32)}`);

/** What tailscale 1.102 sends at its first login. */
const firstLogin = {
  Version: 142,
  NodeKey: nodeKey,
  OldNodeKey: NodeKey.zero,
  NLKey: NLKey.parse(`nlpub:${"33".repeat(32)}`),
  Auth: { AuthKey: "hskey-auth-x" },
  Expiry: goZeroTime,
  Followup: "",
  Hostinfo: { BackendLogID: "x", OS: "linux", Hostname: "h" },
  NodeKeySignature: null,
};
const mapPoll = {
  Version: 142,
  Compress: "zstd",
  KeepAlive: true,
  NodeKey: nodeKey,
  DiscoKey: discoKey,
  Hostinfo: { Hostname: "h" },
  Stream: true,
};

const refusal = (run: () => unknown): { code: string; field: string } | "accepted" => {
  try {
    run();
  } catch (error) {
    if (error instanceof DecodeError) return { code: error.code, field: error.field };
    throw error;
  }
  return "accepted";
};
const register = (over: object) => decodeRegisterRequest(JSON.stringify({ ...firstLogin, ...over }));
const map = (over: object) => decodeMapRequest(JSON.stringify({ ...mapPoll, ...over }));

/** Rows that both decoders refuse alike. */
const wrongInBoth = [
  { says: "no node key", over: { NodeKey: undefined }, field: "NodeKey" },
  { says: "the zero node key", over: { NodeKey: NodeKey.zero }, field: "NodeKey" },
  { says: "a disco key for a node key", over: { NodeKey: discoKey }, field: "NodeKey" },
  { says: "a number for a node key", over: { NodeKey: 5 }, field: "NodeKey" },
  { says: "a version in words", over: { Version: "142" }, field: "Version" },
  { says: "a version below zero", over: { Version: -1 }, field: "Version" },
  { says: "a version that a 32-bit peer could not read", over: { Version: 2 ** 31 }, field: "Version" },
  { says: "a Hostinfo of the wrong kind", over: { Hostinfo: { OS: 1 } }, field: "OS" },
];

describe("decodeRegisterRequest", () => {
  test("reads a first login", () => {
    expect(register({})).toEqual({
      Version: 142,
      NodeKey: nodeKey,
      OldNodeKey: NodeKey.zero,
      NLKey: firstLogin.NLKey,
      Auth: { AuthKey: "hskey-auth-x" },
      Hostinfo: firstLogin.Hostinfo,
      Ephemeral: false,
    });
  });

  test("reads a logout with its moment in 1970", () => {
    expect(register({ Expiry: "1970-01-01T00:02:03Z" }).Expiry).toBe(123_000);
  });

  test("reads names in any letter case", () => {
    const body = JSON.stringify({ version: 142, NODEKEY: nodeKey, auth: { authkey: "k" }, ephemeral: true });
    expect(decodeRegisterRequest(body)).toMatchObject({
      Version: 142,
      NodeKey: nodeKey,
      Auth: { AuthKey: "k" },
      Ephemeral: true,
    });
  });

  test.for([
    { says: "no Auth", over: { Auth: null } },
    { says: "an Auth without a key", over: { Auth: {} } },
    { says: "an empty key", over: { Auth: { AuthKey: "" } } },
  ])("takes $says for an interactive login", ({ over }) => {
    expect(register(over)).not.toHaveProperty("Auth");
  });

  test("lives without a Hostinfo", () => {
    expect(register({ Hostinfo: null }).Hostinfo).toEqual({});
  });

  test.for([
    ...wrongInBoth,
    { says: "an expiry that is no time", over: { Expiry: "tomorrow" }, field: "Expiry" },
    {
      says: "an expiry in a year that Go cannot write",
      over: { Expiry: "9999-12-31T23:59:59-12:00" },
      field: "Expiry",
    },
    { says: "a number for a key", over: { Auth: { AuthKey: 5 } }, field: "AuthKey" },
    { says: "a list as follow-up", over: { Followup: [] }, field: "Followup" },
    { says: "a text for a truth", over: { Ephemeral: "true" }, field: "Ephemeral" },
    { says: "half an old key", over: { OldNodeKey: "nodekey:11" }, field: "OldNodeKey" },
    { says: "a node key for a lock key", over: { NLKey: nodeKey }, field: "NLKey" },
  ])("refuses $says", ({ over, field }) => {
    expect(refusal(() => register(over))).toEqual({ code: "bad-field", field });
  });

  test.for(["Auth", "Hostinfo"])("refuses a list where %s belongs", (field) => {
    expect(refusal(() => register({ [field]: [] }))).toEqual({ code: "not-an-object", field });
  });

  test("refuses the body cut off anywhere", () => {
    const body = JSON.stringify(firstLogin);
    for (let end = 0; end < body.length; end++) {
      expect(refusal(() => decodeRegisterRequest(body.slice(0, end)))).toEqual({ code: "not-json", field: "body" });
    }
  });

  test("refuses a Hostinfo nested so deeply that storing it would run out of stack", () => {
    const deep = `{"NodeKey":"${nodeKey}","Hostinfo":{"X":${"[".repeat(20_000)}${"]".repeat(20_000)}}}`;
    expect(refusal(() => decodeRegisterRequest(deep))).toEqual({ code: "too-deep", field: "body" });
  });
});

describe("decodeMapRequest", () => {
  test("reads a long poll", () => {
    expect(map({})).toEqual({
      Version: 142,
      NodeKey: nodeKey,
      DiscoKey: discoKey,
      Hostinfo: { Hostname: "h" },
      Stream: true,
      OmitPeers: false,
      ReadOnly: false,
    });
  });

  test("tells endpoints that are absent from endpoints that are none", () => {
    expect(map({})).not.toHaveProperty("Endpoints");
    expect(map({ Endpoints: null })).not.toHaveProperty("Endpoints");
    expect(map({ Endpoints: [] }).Endpoints).toEqual([]);
  });

  test("leaves out endpoints that no peer's client could read", () => {
    const Endpoints = ["1.2.3.4:5", "evil", "", "1.2.3.4:99999", "[2001:db8::1]:7"];
    expect(map({ Endpoints }).Endpoints).toEqual(["1.2.3.4:5", "[2001:db8::1]:7"]);
  });

  test("takes the zero disco key of a stream for none: it must not cut the node off", () => {
    expect(map({ DiscoKey: DiscoKey.zero })).not.toHaveProperty("DiscoKey");
  });

  test.for([
    ...wrongInBoth,
    { says: "a text for a truth", over: { Stream: "true" }, field: "Stream" },
    { says: "a text for a list", over: { Endpoints: "1.2.3.4:5" }, field: "Endpoints" },
    { says: "numbers as endpoints", over: { Endpoints: [1] }, field: "Endpoints" },
    { says: "a node key for a disco key", over: { DiscoKey: nodeKey }, field: "DiscoKey" },
  ])("refuses $says", ({ over, field }) => {
    expect(refusal(() => map(over))).toEqual({ code: "bad-field", field });
  });

  test("refuses more endpoints than any client has", () => {
    const Endpoints = new Array(513).fill("1.2.3.4:5");
    expect(refusal(() => map({ Endpoints }))).toEqual({ code: "too-long", field: "Endpoints" });
  });

  test("refuses the body cut off anywhere", () => {
    const body = JSON.stringify(mapPoll);
    for (let end = 0; end < body.length; end++) {
      expect(refusal(() => decodeMapRequest(body.slice(0, end)))).toEqual({ code: "not-json", field: "body" });
    }
  });
});
