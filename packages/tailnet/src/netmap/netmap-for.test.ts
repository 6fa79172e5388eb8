import { describe, expect, test } from "vitest";
import { Server } from "#change/server.fixture.ts";
import { setTags } from "#nodes/commands.ts";
import { unknownPresence } from "#nodes/node.ts";
import { firstMessage, netmapFor } from "./netmap-for.ts";
import { viewOf } from "./view.fixture.ts";

function lab() {
  const server = new Server();
  const [alice, bob] = [server.user("alice"), server.user("bob")];
  const nodes = [alice, alice, bob].map((user, i) => server.join(user, { Hostname: `h${i}` }));
  return { server, viewer: nodes[0] as (typeof nodes)[0] };
}
const messageFor = (server: Server, viewer: ReturnType<typeof lab>["viewer"], policy?: string, shields = false) => {
  const presence = new Map([[viewer.id, { ...unknownPresence, hostinfo: { ShieldsUp: shields } }]]);
  const view = viewOf(server, presence, policy);
  return firstMessage(view, netmapFor(view, viewer));
};

describe("the first message of a stream", () => {
  test("has all that a client needs to run", () => {
    const { server, viewer } = lab();
    const message = messageFor(server, viewer);
    expect(Object.keys(message).sort()).toEqual([
      "CollectServices",
      "ControlTime",
      "DERPMap",
      "DNSConfig",
      "Debug",
      "Domain",
      "Node",
      "PacketFilters",
      "Peers",
      "SSHPolicy",
      "UserProfiles",
    ]);
    expect(message).toMatchObject({ Domain: "example.test", CollectServices: false, Debug: { DisableLogTail: true } });
  });

  test("lists the peers by id, without the viewer", () => {
    const { server, viewer } = lab();
    expect(messageFor(server, viewer).Peers?.map(({ ID }) => ID)).toEqual([2, 3]);
  });

  test("has a profile for every owner in it, once", () => {
    const { server, viewer } = lab();
    server.definedTags.add("tag:web");
    server.run(setTags(3 as typeof viewer.id, ["tag:web"]));
    const { UserProfiles, Peers, Node } = messageFor(server, viewer);
    const ids = UserProfiles?.map(({ ID }) => ID);
    expect(new Set(ids)).toEqual(new Set([Node?.User, ...(Peers ?? []).map(({ User }) => User)]));
    expect(ids?.length).toBe(new Set(ids).size);
  });

  test("leaves the list of peers out when there is none: an empty one says nothing to clients", () => {
    const { server, viewer } = lab();
    expect(messageFor(server, viewer, `{"acls": []}`)).not.toHaveProperty("Peers");
  });

  test("says nothing of peers that the policy hides, their owners included", () => {
    const { server, viewer } = lab();
    const policy = `{"acls": [{"action": "accept", "src": ["autogroup:member"], "dst": ["autogroup:self:*"]}]}`;
    const message = messageFor(server, viewer, policy);
    expect(message.Peers?.map(({ ID }) => ID)).toEqual([2]);
    expect(message.UserProfiles?.map(({ ID }) => ID)).toEqual([1]);
  });

  test("lets nothing in to a node that shields itself", () => {
    const { server, viewer } = lab();
    expect(messageFor(server, viewer, undefined, true).PacketFilters).toEqual({ base: [] });
    expect(messageFor(server, viewer).PacketFilters?.base).not.toEqual([]);
  });

  test("says that there are no SSH rules rather than nothing", () => {
    const { server, viewer } = lab();
    expect(messageFor(server, viewer, `{"acls": []}`).SSHPolicy).toEqual({ rules: [] });
  });
});
