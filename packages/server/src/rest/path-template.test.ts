import { describe, expect, test } from "vitest";
import { parsePathTemplate } from "./path-template.ts";

describe("parsePathTemplate", () => {
  test("binds each field to one segment, as it stands", () => {
    const template = parsePathTemplate("/api/v1/user/{old_id}/rename/{new_name}");
    expect(template.match("/api/v1/user/7/rename/a%2Fb")).toEqual(
      new Map([
        ["old_id", "7"],
        ["new_name", "a%2Fb"],
      ]),
    );
    expect(template).toMatchObject({ fields: ["old_id", "new_name"], literals: 4 });
  });

  test.for([
    "/api/v1/user/7/rename",
    "/api/v1/user/7/rename/",
    "/api/v1/user//rename/a",
    "/api/v1/user/7/rename/a/b",
    "/x/api/v1/user/7/rename/a",
    "/api/v1/user/7/rename/a\n/",
    "",
  ])("does not match %j", (path) => {
    expect(parsePathTemplate("/api/v1/user/{old_id}/rename/{new_name}").match(path)).toBeUndefined();
  });

  test("takes a dot for a dot", () => {
    expect(parsePathTemplate("/a.b").match("/axb")).toBeUndefined();
  });

  test.for(["/v1/{name=users/*}", "/v1/*", "/v1/**", "/v1/{a}:verb", "/v1/{}"])("refuses to build %s", (text) => {
    expect(() => parsePathTemplate(text)).toThrow("unsupported segment");
  });
});
