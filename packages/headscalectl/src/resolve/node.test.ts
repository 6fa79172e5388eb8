import { create } from "@bufbuild/protobuf";
import { NodeSchema } from "@headscale/gen/headscale/v1/node_pb.ts";
import { describe, expect, test } from "vitest";
import { parseId, pickNode } from "./node.ts";

const nodes = [
  create(NodeSchema, {
    id: 1n,
    name: "DESKTOP",
    givenName: "desktop",
    fqdn: "desktop.lab.example.com",
    ipAddresses: ["100.64.0.1"],
  }),
  create(NodeSchema, { id: 2n, name: "DESKTOP", givenName: "desktop-1", ipAddresses: ["100.64.0.2", "fd7a::2"] }),
  create(NodeSchema, { id: 3n, name: "Bobs-Phone", givenName: "phone" }),
  create(NodeSchema, { id: 4n, name: "twin", givenName: "a" }),
  create(NodeSchema, { id: 5n, name: "twin", givenName: "b" }),
];

describe("pickNode", () => {
  test.for([
    { says: "its MagicDNS name, though another has it for host name", reference: "desktop", id: 1n },
    { says: "its full name, with the last dot", reference: "Desktop.lab.example.com.", id: 1n },
    { says: "an address", reference: "fd7a::2", id: 2n },
    { says: "a host name that only it has", reference: "bobs-phone", id: 3n },
  ])("finds a node by $says", ({ reference, id }) => {
    expect(pickNode(nodes, reference).id).toBe(id);
  });

  test("asks which, when two have the host name", () => {
    expect(() => pickNode(nodes, "twin")).toThrow("say one of the ids 4, 5");
  });

  test.for(["", "nobody", "100.64.0.9"])("finds none by %j", (reference) => {
    expect(() => pickNode(nodes, reference)).toThrow("no node is called");
  });
});

describe("parseId", () => {
  test("takes all of 64 bits", () => {
    expect(parseId("18446744073709551615", "node")).toBe(2n ** 64n - 1n);
  });

  test.for(["", "-1", "1.0", "0x1", "18446744073709551616", "hskey-auth-secret"])(
    "refuses %j without repeating it",
    (text) => {
      expect(() => parseId(text, "node")).toThrow(/^node: not an id$/);
    },
  );
});
