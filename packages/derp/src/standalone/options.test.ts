import { describe, expect, test } from "vitest";
import { OptionError, parseOptions } from "./options.ts";

describe("parseOptions", () => {
  test("needs a host name and no more", () => {
    expect(parseOptions(["--hostname", "relay.test"])).toMatchObject({
      hostname: "relay.test",
      listen: { host: undefined, port: 443 },
      stunListen: { host: undefined, port: 3478 },
      httpListen: undefined,
      metricsListen: undefined,
      certificate: undefined,
      verifyFailOpen: true,
      meshWith: [],
    });
  });

  test.for([
    { text: "off", is: undefined },
    { text: ":1", is: { host: undefined, port: 1 } },
    { text: "10.0.0.1:65535", is: { host: "10.0.0.1", port: 65_535 } },
    { text: "[2001:db8::1]:0", is: { host: "2001:db8::1", port: 0 } },
    { text: "relay.test:80", is: { host: "relay.test", port: 80 } },
  ])("reads where to listen: $text", ({ text, is }) => {
    expect(parseOptions(["--hostname", "a", "--stun-listen", text]).stunListen).toEqual(is);
  });

  test.for([
    { says: "no host name", args: [], names: "--hostname" },
    { says: "an unknown flag", args: ["--hostname", "a", "--frob"], names: "--frob" },
    { says: "a flag without its value", args: ["--hostname"], names: "hostname" },
    { says: "a certificate without key", args: ["--hostname", "a", "--cert", "c"], names: "--key" },
    { says: "a mesh without its secret", args: ["--hostname", "a", "--mesh-with", "b"], names: "--mesh-psk-file" },
    { says: "a port too high", args: ["--hostname", "a", "--listen", ":65536"], names: "--listen" },
    { says: "no port", args: ["--hostname", "a", "--http-listen", "80"], names: "--http-listen" },
    {
      says: "an IPv6 address at the port that clients cannot dial it at",
      args: ["--hostname", "2001:db8::1"],
      names: "--hostname",
    },
    { says: "a bare IPv6 address", args: ["--hostname", "a", "--listen", "::1:443"], names: "--listen" },
  ])("refuses $says, naming the flag", ({ args, names }) => {
    expect(() => parseOptions(args)).toThrow(OptionError);
    expect(() => parseOptions(args)).toThrow(names);
  });
});
