import { describe, expect, test } from "vitest";
import { ip16Bytes, ipBytes, unmapped } from "./ip-bytes.ts";

describe("ipBytes", () => {
  test.for([
    ["203.0.113.7", "cb007107"],
    ["::", "00".repeat(16)],
    ["::1", `${"00".repeat(15)}01`],
    ["2001:db8::1", "20010db8000000000000000000000001"],
    ["1:2:3:4:5:6:7:8", "00010002000300040005000600070008"],
    ["1::", `0001${"00".repeat(14)}`],
    ["::ffff:1.2.3.4", "00000000000000000000ffff01020304"],
    ["fe80::1%eth0", "fe800000000000000000000000000001"],
  ])("reads %s", ([text, bytes]) => {
    expect(ipBytes(text as string)?.toString("hex")).toBe(bytes);
  });

  test.for(["", "relay.test", "1.2.3", "1.2.3.256", ":::", "1::2::3", "[::1]"])("knows %j for no address", (text) => {
    expect(ipBytes(text)).toBeUndefined();
  });
});

describe("ip16Bytes", () => {
  test("maps IPv4 into IPv6, and what is no address to zeros", () => {
    expect(ip16Bytes("1.2.3.4").toString("hex")).toBe("00000000000000000000ffff01020304");
    expect(ip16Bytes("::1").toString("hex")).toBe(`${"00".repeat(15)}01`);
    expect(ip16Bytes("").toString("hex")).toBe("00".repeat(16));
  });
});

describe("unmapped", () => {
  test("undoes what dual-stack sockets do, and nothing else", () => {
    expect(["::ffff:127.0.0.1", "::FFFF:1.2.3.4", "::1", "1.2.3.4", "::ffff:1:2"].map(unmapped)).toEqual([
      "127.0.0.1",
      "1.2.3.4",
      "::1",
      "1.2.3.4",
      "::ffff:1:2",
    ]);
  });
});
