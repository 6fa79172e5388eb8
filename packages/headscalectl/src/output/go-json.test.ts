import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { ChangeSchema } from "@headscale/gen/headscale/v1/change_pb.ts";
import { NodeSchema, RegisterMethod } from "@headscale/gen/headscale/v1/node_pb.ts";
import { describe, expect, test } from "vitest";
import { toGoJson } from "./go-json.ts";

describe("toGoJson", () => {
  test("prints a node as headscale 0.29 does", () => {
    const node = create(NodeSchema, {
      id: 7n,
      givenName: "laptop",
      ipAddresses: ["100.64.0.1", "fd7a:115c:a1e0::1"],
      user: { id: 1n, name: "alice" },
      createdAt: timestampFromMs(1_795_596_604_891),
      lastSeen: timestampFromMs(1_795_596_604_000),
      registerMethod: RegisterMethod.CLI,
      availableRoutes: [],
      online: false,
    });
    expect(toGoJson(NodeSchema, node)).toEqual({
      id: 7,
      given_name: "laptop",
      ip_addresses: ["100.64.0.1", "fd7a:115c:a1e0::1"],
      user: { id: 1, name: "alice" },
      created_at: { seconds: 1_795_596_604, nanos: 891_000_000 },
      last_seen: { seconds: 1_795_596_604 },
      register_method: 2,
    });
  });

  test("leaves a free-form detail as it is", () => {
    const detail = { approvedRoutes: ["10.0.0.0/8"], used: false };
    expect(toGoJson(ChangeSchema, create(ChangeSchema, { detail }))).toEqual({ detail });
  });
});
