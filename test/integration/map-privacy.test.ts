import { fc, test } from "@fast-check/vitest";
import type { MapResponse } from "@headscale/tailcfg";
import { type Node, type NodeId, taggedDevicesUserId, tagsOf, userIdOf } from "@headscale/tailnet";
import { describe, expect } from "vitest";
import { policies, Scene, type Step, step } from "../support/map-scene.ts";

const [none, closed, open, selfOnly, granted] = policies;

/** Whether one may start a connection to the other, read off the five policies by eye: nothing of the engine is used. */
function mayStart(scene: Scene, from: Node, to: Node): boolean {
  const untagged = (node: Node) => node.owner.kind === "user";
  switch (scene.policy) {
    case none:
    case open:
      return true;
    case closed:
      return false;
    case selfOnly:
      return untagged(from) && untagged(to) && userIdOf(from) === userIdOf(to);
    case granted: {
      const user = scene.live.world.users.get(userIdOf(from) ?? taggedDevicesUserId);
      const routes = scene.live.presence(to.id).hostinfo.RoutableIPs ?? [];
      const serves = to.approvedRoutes.some((prefix) => prefix === "10.0.0.0/24") && routes.includes("10.0.0.0/24");
      return untagged(from) && user?.name === "u0" && (tagsOf(to).includes("tag:a") || serves);
    }
    default:
      throw new Error("a policy that this test does not know");
  }
}

/** The ids a message gives away; what it takes back was known already. */
function mentioned(message: MapResponse): readonly number[] {
  const whole = [...(message.Peers ?? []), ...(message.PeersChanged ?? [])].map(({ ID }) => ID);
  return [...whole, ...(message.PeersChangedPatch ?? []).map(({ NodeID }) => NodeID)];
}

function assertPrivate(scene: Scene, viewer: NodeId, message: MapResponse): void {
  const self = scene.live.world.nodes.get(viewer);
  if (!self) return;
  const sees = (other: Node) => other.id === viewer || mayStart(scene, self, other) || mayStart(scene, other, self);
  const visible = scene.nodes().filter(sees);
  const ids = new Set<number>(visible.map(({ id }) => id));
  expect(mentioned(message).filter((id) => !ids.has(id))).toEqual([]);
  const owners = new Set<number>(visible.map((node) => userIdOf(node) ?? taggedDevicesUserId));
  expect((message.UserProfiles ?? []).map(({ ID }) => ID).filter((id) => !owners.has(id))).toEqual([]);
  const text = JSON.stringify({ ...message, PeersRemoved: undefined });
  const hidden = scene.nodes().filter(({ id }) => !ids.has(id));
  expect(hidden.filter(({ nodeKey }) => text.includes(nodeKey))).toEqual([]);
}

describe("a viewer", () => {
  test.prop([fc.array(step, { minLength: 5, maxLength: 60 }), fc.constantFrom(...policies)], { numRuns: 40 })(
    "never receives a byte about a node that the policy hides from it",
    async (steps, policy) => {
      const scene = await Scene.open();
      await using _live = scene.live;
      let messages = 0;
      scene.onMessage = (viewer, message) => {
        messages++;
        assertPrivate(scene, viewer, message);
      };
      await scene.take({ kind: "policy", policy } as Step);
      for (let i = 0; i < 5; i++) await scene.take({ kind: "join", user: i % 3 } as Step);
      for (let i = 0; i < 5; i++) await scene.take({ kind: "watch", node: i } as Step);
      for (const step of steps) {
        await scene.take(step as Step);
        await scene.readAll();
      }
      expect(messages).toBeGreaterThan(0);
      for (const viewer of scene.viewers.values()) await viewer.close();
    },
    90_000,
  );
});
