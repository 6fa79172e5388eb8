import type { PolicyNode, PolicyUser } from "@headscale/policy";
import { announcedRoutes, type Node, type Presence, tagsOf, type User, userIdOf } from "@headscale/tailnet";
import type { Primaries } from "@headscale/tailnet/netmap";
import { postureAttributes } from "./posture-attributes.ts";

/** A user as policy documents name it: by e-mail, or `name@` without one. */
export function policyUser(user: User): PolicyUser {
  return {
    id: user.id,
    loginName: user.email || `${user.name}@`,
    name: user.name,
    ...(user.providerId !== "" && { providerId: user.providerId }),
    roles: user.role === "member" ? ["member"] : user.role === "owner" ? ["owner", "admin"] : [user.role],
  };
}

/** A node as policy sees it. */
export function policyNode(node: Node, presence: Presence, primaries: Primaries): PolicyNode {
  const userId = userIdOf(node);
  const advertised = announcedRoutes(presence.hostinfo);
  const primaryFor = advertised.filter((prefix) => primaries.get(prefix) === node.id);
  return {
    id: node.id,
    ...(userId !== undefined && { userId }),
    tags: tagsOf(node),
    addresses: { ...(node.ipv4 && { v4: node.ipv4 }), ...(node.ipv6 && { v6: node.ipv6 }) },
    advertisedRoutes: advertised,
    approvedRoutes: node.approvedRoutes,
    ...(primaryFor.length > 0 && { primaryFor }),
    ...(typeof presence.hostinfo.OS === "string" && { os: presence.hostinfo.OS }),
    attributes: postureAttributes(presence.hostinfo),
  };
}

/** Whether policy would see a difference between two states of a node. */
export function policySees(a: PolicyNode | undefined, b: PolicyNode): boolean {
  return a === undefined || JSON.stringify(a) !== JSON.stringify(b);
}
