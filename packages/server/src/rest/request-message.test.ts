import { create, toJson } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { createConnectRouter } from "@connectrpc/connect";
import { fc, test as property } from "@fast-check/vitest";
import { AuditService, ListChangesRequestSchema } from "@headscale/gen/headscale/v1/audit_pb.ts";
import { HeadscaleService } from "@headscale/gen/headscale/v1/headscale_pb.ts";
import { SetPolicyRequestSchema } from "@headscale/gen/headscale/v1/policy_pb.ts";
import { RenameUserRequestSchema } from "@headscale/gen/headscale/v1/user_pb.ts";
import { describe, expect } from "vitest";
import { requestMessage } from "./request-message.ts";
import { findRoute, routesOf } from "./routes.ts";

const routes = routesOf(createConnectRouter().service(HeadscaleService, {}).service(AuditService, {}).handlers);

function heard(verb: string, url: string, body = "") {
  const { pathname, searchParams } = new URL(url, "http://localhost");
  const found = findRoute(routes, verb, pathname);
  if (found.kind !== "route") throw new Error(`no route for ${verb} ${url}`);
  const said = { bound: found.bound, query: searchParams, contentType: "application/json", body };
  return requestMessage(found.route, said);
}

// Lone surrogates have no UTF-8, so neither URLs nor protobuf can carry them.
const anyText = fc.string({ unit: "binary" });
const id = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });

describe("requestMessage gives back what was said", () => {
  property.prop([id, anyText.filter((text) => text !== "" && text !== "." && text !== "..")])(
    "in a path",
    (oldId, newName) => {
      const url = `/api/v1/user/${oldId}/rename/${encodeURIComponent(newName)}`;
      expect(heard("POST", url)).toEqual(create(RenameUserRequestSchema, { oldId, newName }));
    },
  );

  property.prop([
    fc.record({
      pageSize: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
      kinds: fc.array(anyText),
      subject: anyText,
      oldestFirst: fc.boolean(),
      since: fc.option(fc.integer({ min: 0, max: 4e12 }).map(timestampFromMs), { nil: undefined }),
    }),
    fc.boolean(),
  ])("in a query, by either spelling", ({ since, ...fields }, snake) => {
    const message = create(ListChangesRequestSchema, { ...fields, ...(since && { since }) });
    const json = toJson(ListChangesRequestSchema, message, { useProtoFieldName: snake }) as Record<string, unknown>;
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(json)) {
      for (const text of Array.isArray(value) ? value : [value]) query.append(name, String(text));
    }
    expect(heard("GET", `/api/v1/changes?${query}`)).toEqual(message);
  });

  property.prop([anyText, fc.option(id, { nil: undefined }), fc.boolean()])("in a body", (policy, revision, snake) => {
    const message = create(SetPolicyRequestSchema, { policy, ...(revision !== undefined && { ifRevision: revision }) });
    const body = JSON.stringify(toJson(SetPolicyRequestSchema, message, { useProtoFieldName: snake }));
    expect(heard("PUT", "/api/v1/policy", body)).toEqual(message);
  });

  property.prop([fc.json(), anyText])("or refuses with a code, whatever is said", (body, query) => {
    for (const [verb, path] of [
      ["PUT", "/api/v1/policy"],
      ["POST", "/api/v1/node/1/expire"],
    ] as const) {
      try {
        expect(heard(verb, `${path}?${query}`, body).$typeName).toMatch(/Request$/);
      } catch (error) {
        expect(error).toMatchObject({ name: "ConnectError", code: 3 });
      }
    }
  });
});
