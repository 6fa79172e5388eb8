import { describe, expect, test } from "vitest";
import { addressSet } from "./addresses.ts";
import { forwardedAddress } from "./forwarded.ts";

const trusted = addressSet("trusted_proxies", ["10.0.0.0/8", "::1"]);

describe("forwardedAddress", () => {
  test.for([
    { says: "X-Forwarded-For of one hop", headers: { "x-forwarded-for": "192.0.2.7" }, is: "192.0.2.7" },
    {
      says: "the rightmost hop, whatever a client put before it",
      headers: { "x-forwarded-for": "8.8.8.8, 192.0.2.7" },
      is: "192.0.2.7",
    },
    {
      says: "the hop before our own proxies",
      headers: { "x-forwarded-for": "8.8.8.8, 192.0.2.7, 10.0.0.2,10.0.0.1" },
      is: "192.0.2.7",
    },
    { says: "the first hop when all are ours", headers: { "x-forwarded-for": "10.9.9.9, 10.0.0.1" }, is: "10.9.9.9" },
    { says: "an address with a port", headers: { "x-forwarded-for": "192.0.2.7:5000" }, is: "192.0.2.7" },
    { says: "IPv6, bare", headers: { "x-forwarded-for": "2001:DB8::1" }, is: "2001:db8::1" },
    { says: "IPv6 in brackets with a port", headers: { "x-forwarded-for": "[2001:db8::1]:5000" }, is: "2001:db8::1" },
    { says: "several header lines", headers: { "x-forwarded-for": ["8.8.8.8", "192.0.2.7"] }, is: "192.0.2.7" },
    { says: "IPv4 in IPv6", headers: { "x-forwarded-for": "::ffff:192.0.2.7" }, is: "192.0.2.7" },
    { says: "IPv6 with a zone", headers: { "x-forwarded-for": "fe80::1%eth0" }, is: "fe80::1" },
    { says: "X-Real-IP alone", headers: { "x-real-ip": "192.0.2.8" }, is: "192.0.2.8" },
    { says: "X-Real-IP with a port", headers: { "x-real-ip": "[2001:db8::1]:443" }, is: "2001:db8::1" },
    { says: "True-Client-IP alone", headers: { "true-client-ip": "192.0.2.9" }, is: "192.0.2.9" },
    {
      says: "what the proxy wrote, not what its client made up",
      headers: { "true-client-ip": "8.8.8.8", "x-real-ip": "8.8.8.8", "x-forwarded-for": "192.0.2.7" },
      is: "192.0.2.7",
    },
    {
      says: "Forwarded that the proxy wrote, not what its client made up",
      headers: { "true-client-ip": "8.8.8.8", "x-real-ip": "8.8.8.8", forwarded: "for=192.0.2.7" },
      is: "192.0.2.7",
    },
    {
      says: "X-Real-IP before True-Client-IP, which fewer proxies write",
      headers: { "true-client-ip": "192.0.2.9", "x-real-ip": "192.0.2.8" },
      is: "192.0.2.8",
    },
    {
      says: "several Forwarded lines",
      headers: { forwarded: ["for=8.8.8.8", "for=192.0.2.7, for=10.0.0.1"] },
      is: "192.0.2.7",
    },
    {
      says: "Forwarded behind an open quote of the client's",
      headers: { forwarded: 'for="8.8.8.8, for=192.0.2.7' },
      is: "192.0.2.7",
    },
    {
      says: "Forwarded with a hidden port",
      headers: { forwarded: 'for="192.0.2.7:_private"' },
      is: "192.0.2.7",
    },
    {
      says: "Forwarded",
      headers: { forwarded: 'for=192.0.2.7;proto=https;by=10.0.0.1, for="[::1]"' },
      is: "192.0.2.7",
    },
    {
      says: "Forwarded with IPv6 and port",
      headers: { forwarded: 'proto=https; For = "[2001:db8::1]:4711"' },
      is: "2001:db8::1",
    },
    {
      says: "X-Forwarded-For before Forwarded",
      headers: { "x-forwarded-for": "192.0.2.7", forwarded: "for=192.0.2.8" },
      is: "192.0.2.7",
    },
  ])("is $is from $says", ({ headers, is }) => {
    expect(forwardedAddress(headers as Record<string, string | string[]>, trusted)).toBe(is);
  });

  test.for([
    { says: "no header", headers: {} },
    { says: "an empty header", headers: { "x-forwarded-for": "" } },
    { says: "text", headers: { "x-forwarded-for": "192.0.2.7, me" } },
    {
      says: "text, whatever another header claims",
      headers: { "x-forwarded-for": "unknown", forwarded: "for=8.8.8.8", "x-real-ip": "8.8.8.8" },
    },
    { says: "a port alone", headers: { "x-forwarded-for": ":443" } },
    { says: "brackets around nothing", headers: { "x-forwarded-for": "[]:443" } },
    { says: "brackets around IPv4 and more", headers: { "x-forwarded-for": "[192.0.2.7" } },
    { says: "a port out of this world", headers: { "x-forwarded-for": "192.0.2.7:123456" } },
    { says: "an address with text behind it", headers: { "x-forwarded-for": "192.0.2.7 x" } },
    { says: "megabytes of commas", headers: { "x-forwarded-for": ",".repeat(1_000_000) } },
    { says: "an obfuscated Forwarded", headers: { forwarded: "for=192.0.2.7, for=_hidden" } },
    { says: "Forwarded without for", headers: { forwarded: "proto=https" } },
    { says: "an address out of range", headers: { "x-real-ip": "192.0.2.700" } },
    { says: "an injected line", headers: { "x-real-ip": "192.0.2.7\r\nx: y" } },
  ])("is unknown from $says", ({ headers }) => {
    expect(forwardedAddress(headers as Record<string, string>, trusted)).toBeUndefined();
  });
});
