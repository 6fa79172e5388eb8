import { describe, expect, test } from "vitest";
import { Draft } from "#change/decide.ts";
import { Server } from "#change/server.fixture.ts";
import { defaultTailnetId } from "#world/ids.ts";
import { type ProviderIdentity, signedIn } from "./identity.ts";

const providerId = "https://idp.test/1";
const full: ProviderIdentity = {
  providerId,
  name: "alice",
  displayName: "Alice A.",
  email: "alice@example.com",
  profilePicUrl: "https://idp.test/1.png",
};

function signIn(server: Server, identity: ProviderIdentity) {
  return server.run((world, given) => {
    const draft = new Draft(world);
    return draft.decision(signedIn(draft, defaultTailnetId, identity, given.now));
  });
}

describe("signedIn", () => {
  test("makes a user of somebody new, with all that the provider says and no power over the others", () => {
    const server = new Server();
    expect(signIn(server, full)).toMatchObject({ ...full, provider: "oidc", role: "member" });
    expect(server.lastChanges.map(({ kind }) => kind)).toEqual(["user-created", "tailnet-owner-set"]);
  });

  test("finds the user by the identifier alone: a local user of the same name and e-mail is somebody else", () => {
    const server = new Server();
    const local = server.user("alice");
    const user = signIn(server, full);
    expect(user.id).not.toBe(local.id);
    expect(server.world.users.get(local.id)).toEqual(local);
    expect(signIn(server, { ...full, name: "alicia" })).toMatchObject({ id: user.id, name: "alicia" });
    expect(signIn(server, { ...full, providerId: "https://idp.test/2" }).id).not.toBe(user.id);
  });

  test("changes nothing when nothing has changed", () => {
    const server = new Server();
    signIn(server, full);
    signIn(server, full);
    expect(server.lastChanges).toEqual([]);
  });

  test("keeps what is not said any more, and drops an e-mail that is no longer vouched for", () => {
    const server = new Server();
    const { createdAt, id, role, tailnet } = signIn(server, full);
    expect(signIn(server, { providerId })).toEqual({ ...full, provider: "oidc", createdAt, id, role, tailnet });
    expect(signIn(server, { providerId, email: "" })).toMatchObject({ email: "", name: "alice" });
    expect(server.lastChanges.map(({ kind }) => kind)).toEqual(["user-updated"]);
  });

  test.for(["", "a", "1abc", "a b", "DOMAIN\\alice", "a@b@c", "x".repeat(256)])(
    "leaves the name %j out of account",
    (name) => {
      const server = new Server();
      expect(signIn(server, { ...full, name }).name).toBe("");
      signIn(server, full);
      expect(signIn(server, { ...full, name }).name).toBe("alice");
    },
  );
});
