import type { UserProfile } from "@headscale/tailcfg";
import { type Node, userIdOf } from "#nodes/node.ts";
import { displayNameOf, loginNameOf, type User } from "#users/user.ts";
import { taggedDevicesUserId, type UserId } from "#world/ids.ts";
import type { World } from "#world/world.ts";

const taggedDevices: UserProfile = {
  ID: taggedDevicesUserId,
  LoginName: "tagged-devices",
  DisplayName: "Tagged Devices",
};

export function profileOf(user: User): UserProfile {
  return {
    ID: user.id,
    LoginName: loginNameOf(user),
    DisplayName: displayNameOf(user),
    ...(user.profilePicUrl !== "" && { ProfilePicURL: user.profilePicUrl }),
  };
}

/** The profile behind a node's `User`; every record that is sent needs its own beside it. */
export function ownerProfile(world: World, node: Node): UserProfile {
  return profileOfId(world, userIdOf(node) ?? taggedDevicesUserId);
}

export function profileOfId(world: World, id: UserId): UserProfile {
  const user = world.users.get(id);
  return user
    ? profileOf(user)
    : id === taggedDevicesUserId
      ? taggedDevices
      : { ID: id, LoginName: String(id), DisplayName: String(id) };
}
