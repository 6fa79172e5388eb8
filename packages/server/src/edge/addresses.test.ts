import { describe, expect, test } from "vitest";
import { addressGroup, addressSet, canonicalAddress } from "./addresses.ts";

describe("canonicalAddress", () => {
  test.for([
    { text: "192.0.2.7", is: "192.0.2.7" },
    { text: "::ffff:192.0.2.7", is: "192.0.2.7" },
    { text: "::FFFF:c000:207", is: "192.0.2.7" },
    { text: "2001:DB8:0:0::1", is: "2001:db8::1" },
    { text: "fe80::1%eth0", is: "fe80::1" },
    { text: "::", is: "::" },
    { text: "::ffff:0:1.2.3.4", is: "::ffff:0:102:304" },
    { text: undefined, is: undefined },
    { text: "", is: undefined },
    { text: "localhost", is: undefined },
    { text: "1.2.3", is: undefined },
    { text: "1.2.3.4 ", is: undefined },
    { text: "1.2.3.4%eth0", is: undefined },
    { text: "[::1]", is: undefined },
  ])("of $text is $is", ({ text, is }) => {
    expect(canonicalAddress(text)).toBe(is);
  });
});

describe("addressGroup", () => {
  test.for([
    { address: "192.0.2.7", group: "192.0.2.7" },
    { address: "2001:db8:1:2:3:4:5:6", group: "2001:db8:1:2::/64" },
    { address: "2001:db8:1:2::9", group: "2001:db8:1:2::/64" },
    { address: "2001:db8::1", group: "2001:db8:0:0::/64" },
    { address: "::1", group: "0:0:0:0::/64" },
    { address: "::", group: "0:0:0:0::/64" },
    { address: "fe80::", group: "fe80:0:0:0::/64" },
  ])("of $address is $group", ({ address, group }) => {
    expect(addressGroup(address)).toBe(group);
  });
});

describe("addressSet", () => {
  const set = addressSet("trusted_proxies", ["10.0.0.0/8", "192.0.2.7", "2001:db8::/32", "::1/128"]);

  test.for(["10.1.2.3", "::ffff:10.1.2.3", "192.0.2.7", "2001:db8:ffff::", "::1", "2001:DB8::A"])("has %s", (text) => {
    expect(set.has(text)).toBe(true);
  });

  test.for(["11.0.0.0", "192.0.2.8", "2001:db9::", "::2", "", "10.0.0.0/8", "host", undefined])("lacks %s", (text) => {
    expect(set.has(text)).toBe(false);
  });

  test.for([
    "10.0.0.0/33",
    "::/129",
    "10.0.0/8",
    "10.0.0.0/",
    "10.0.0.0/8/8",
    "10.0.0.0/-1",
    "host",
    "",
    "10.0.0.0/1e1",
  ])("refuses the prefix %j, naming its place", (text) => {
    expect(() => addressSet("trusted_proxies", ["::1", text])).toThrow("trusted_proxies[1]");
  });
});
