import { describe, expect, test } from "vitest";
import {
  parseAuthorization,
  parseDirectory,
  parseOrder,
  parseProblem,
  parseRenewalWindow,
  parseRetryAfter,
} from "./answers.ts";

const directory = { newNonce: "https://a/n", newAccount: "https://a/a", newOrder: "https://a/o" };
const order = { status: "pending", authorizations: ["https://a/1"], finalize: "https://a/f" };
const challenge = { type: "http-01", url: "https://a/c", token: "abc_-9" };
const authorization = { status: "pending", identifier: { type: "dns", value: "a.example" }, challenges: [challenge] };

describe("parseDirectory", () => {
  test("reads what is offered", () => {
    const meta = { profiles: { shortlived: "six days" }, externalAccountRequired: true };
    expect(parseDirectory({ ...directory, renewalInfo: "https://a/r", meta })).toEqual({
      ...directory,
      renewalInfo: "https://a/r",
      profiles: ["shortlived"],
      externalAccountRequired: true,
    });
  });

  test.for([
    { says: "null", json: null },
    { says: "a list", json: [] },
    { says: "a missing newOrder", json: { ...directory, newOrder: undefined } },
    { says: "a URL without TLS", json: { ...directory, newNonce: "http://a/n" } },
    { says: "a URL that is none", json: { ...directory, newNonce: "https://" } },
    { says: "a number for a URL", json: { ...directory, newAccount: 7 } },
  ])("refuses $says", ({ json }) => {
    expect(() => parseDirectory(json)).toThrow(expect.objectContaining({ code: "bad-answer" }));
  });
});

describe("parseOrder", () => {
  test("reads an order that failed", () => {
    const error = { type: "urn:ietf:params:acme:error:caa", detail: "CAA says no" };
    expect(parseOrder({ ...order, status: "invalid", error }).error).toEqual({ type: "caa", detail: "CAA says no" });
  });

  test.for([
    { says: "a text", json: "order" },
    { says: "no status", json: { ...order, status: undefined } },
    { says: "authorizations that are no list", json: { ...order, authorizations: "https://a/1" } },
    { says: "an authorization that is no URL", json: { ...order, authorizations: [{}] } },
    { says: "a certificate that is no URL", json: { ...order, certificate: "/cert" } },
  ])("refuses $says", ({ json }) => {
    expect(() => parseOrder(json)).toThrow(expect.objectContaining({ code: "bad-answer" }));
  });
});

describe("parseAuthorization", () => {
  test("leaves out challenges without a token", () => {
    const strange = { type: "device-attest-02", url: "https://a/d" };
    expect(parseAuthorization({ ...authorization, challenges: [strange, challenge, null] }).challenges).toHaveLength(1);
  });

  test.for([
    { says: "an identifier of another kind", json: { ...authorization, identifier: { type: "email", value: "a@b" } } },
    {
      says: "a token that would leave its folder",
      json: { ...authorization, challenges: [{ ...challenge, token: "../x" }] },
    },
    { says: "an endless token", json: { ...authorization, challenges: [{ ...challenge, token: "a".repeat(129) }] } },
    { says: "an empty token", json: { ...authorization, challenges: [{ ...challenge, token: "" }] } },
  ])("refuses $says", ({ json }) => {
    expect(() => parseAuthorization(json)).toThrow(expect.objectContaining({ code: "bad-answer" }));
  });
});

describe("parseProblem", () => {
  test("adds what the subproblems say", () => {
    const subproblems = [{ type: "urn:ietf:params:acme:error:dns", detail: "no A record" }, 7];
    expect(parseProblem({ type: "urn:ietf:params:acme:error:compound", detail: "two", subproblems })).toEqual({
      type: "compound",
      detail: "two; no A record",
    });
  });

  test.for([undefined, null, 1, "x", [], {}])("finds none in %j", (json) => {
    expect(parseProblem(json)).toBeUndefined();
  });
});

describe("parseRenewalWindow", () => {
  test("reads RFC 9773's example", () => {
    const suggestedWindow = { start: "2025-01-02T04:00:00Z", end: "2025-01-03T04:00:00Z" };
    expect(parseRenewalWindow({ suggestedWindow })).toEqual({
      start: Date.UTC(2025, 0, 2, 4),
      end: Date.UTC(2025, 0, 3, 4),
    });
  });

  test.for([
    { says: "no window", json: {} },
    { says: "dates that are none", json: { suggestedWindow: { start: "soon", end: "later" } } },
    {
      says: "an end before the start",
      json: { suggestedWindow: { start: "2025-01-02T00:00:00Z", end: "2025-01-01T00:00:00Z" } },
    },
  ])("ignores $says", ({ json }) => {
    expect(parseRenewalWindow(json)).toBeUndefined();
  });
});

describe("parseRetryAfter", () => {
  test.for([
    { header: null, ms: undefined },
    { header: "0", ms: 0 },
    { header: "120", ms: 120_000 },
    { header: "Thu, 01 Jan 1970 00:01:00 GMT", ms: 59_000 },
    { header: "Wed, 31 Dec 1969 00:01:00 GMT", ms: 0 },
    { header: "-5", ms: undefined },
    { header: "soon", ms: undefined },
  ])("takes $header for $ms ms", ({ header, ms }) => {
    const parsed = parseRetryAfter(header, 1_000);
    if (header === "-5") return expect(parsed ?? 0).toBeGreaterThanOrEqual(0);
    return expect(parsed).toBe(ms);
  });
});
