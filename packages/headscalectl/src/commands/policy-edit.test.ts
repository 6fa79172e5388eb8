import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Ground } from "#testing/administered.ts";
import { callCommand } from "#testing/command-line.ts";

let ground: Ground;
beforeAll(async () => {
  ground = await Ground.make();
});
afterAll(() => ground[Symbol.asyncDispose]());

/** The command with an editor that is a shell command about the file `$1`. */
async function lab(editor: string, typed?: string) {
  const { services, env } = await ground.administered();
  const input = typed === undefined ? "" : { typed };
  const edit = () => callCommand(["policy", "edit"], { ...env, EDITOR: `f() { ${editor}; }; f` }, input);
  return { services, edit };
}

describe("policy edit", () => {
  test("puts what the editor leaves in force, over the revision that was edited", async () => {
    const { services, edit } = await lab("echo '{ /* mine */ }' > \"$1\"");
    expect(await edit()).toMatchObject({ code: 0, stdout: "Policy updated: revision 4 is in force.\n" });
    expect(services.policy).toBe("{ /* mine */ }\n");
    expect(services.asked.at(-1)).toMatchObject(["SetPolicy", { ifRevision: 3n }]);
  });

  test("does nothing where nothing was changed", async () => {
    const { services, edit } = await lab("true");
    expect(await edit()).toEqual({ code: 0, stdout: "", stderr: "Nothing changed: the policy stays as it is.\n" });
    expect(services.asked.map(([rpc]) => rpc)).toEqual(["GetPolicy"]);
  });

  test("keeps the text that the server refuses, says where, and where in it the fault is", async () => {
    const { services, edit } = await lab('echo nonsense > "$1"');
    const ran = await edit();
    expect(ran).toMatchObject({ code: 2, stdout: "" });
    const [, path = ""] = /^Your text is kept in (.*)$/m.exec(ran.stderr) ?? [];
    expect(ran.stderr).toContain(`Error: parsing HuJSON: not an object\n${path}:1:1: not an object\n`);
    expect(readFileSync(path, "utf8")).toBe("nonsense\n");
    expect(services.policy).toBe('{"acls": []}');
  });

  test("lets one edit again", async () => {
    const { services, edit } = await lab('grep -q nonsense "$1" && echo "{}" > "$1" || echo nonsense > "$1"', "y\n");
    expect(await edit()).toMatchObject({ code: 0, stdout: "Policy updated: revision 4 is in force.\n" });
    expect(services.policy).toBe("{}\n");
  });

  test("does not overwrite what somebody else has set meanwhile", async () => {
    const { services, edit } = await lab("echo '{}' > \"$1\"");
    services.policyInForce = () => ({ policy: "{ }", revision: 2n, updatedAt: timestampFromMs(2000) });
    expect(await edit()).toMatchObject({ code: 6, stderr: expect.stringContaining("the policy is at revision 3") });
  });

  test.for([
    { says: "nobody has set one yet", failure: new ConnectError("acl policy not found", Code.NotFound), code: 0 },
    { says: "it comes from a file", failure: undefined, code: 6 },
  ])("tells when $says", async ({ failure, code }) => {
    const { services, edit } = await lab("true");
    services.policyInForce = () => {
      if (failure) throw failure;
      return { policy: "{}" };
    };
    expect((await edit()).code).toBe(code);
  });

  test("leaves nothing behind when the editor fails", async () => {
    const seen = join(ground.folder, "seen");
    const { edit } = await lab(`echo "$1" > ${seen}; exit 3`);
    expect(await edit()).toMatchObject({ code: 7, stderr: expect.stringContaining("the editor (") });
    expect(existsSync(readFileSync(seen, "utf8").trim())).toBe(false);
  });
});
