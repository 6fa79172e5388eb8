export type { ApiKey } from "./api-keys/api-key.ts";
export type { HashedSecret, PreAuthKey } from "./auth-keys/pre-auth-key.ts";
export type { AuthPurpose, AuthRequest } from "./auth-requests/auth-request.ts";
export { parseAuthRequestId } from "./auth-requests/auth-request.ts";
export { checkedOwner, nodeRenewedBy } from "./auth-requests/sign-in.ts";
export { apply } from "./change/apply.ts";
export type { Actor, Change, ChangeKind, Effect, Subject, Subjects } from "./change/change.ts";
export type { Circumstances, Command, Decision, PolicyJudge, TailnetSettings } from "./change/decide.ts";
export { decide } from "./change/decide.ts";
export { fqdnOf, suffixOf } from "./names/fqdn.ts";
export { isLabel, labelOf, uniqueLabel } from "./names/hostname.ts";
export { announcedRoutes } from "./nodes/enrol.ts";
export type { Node, NodeOwner, Presence, RegisterMethod } from "./nodes/node.ts";
export { addressesOf, isExpired, tagsOf, unknownPresence, userIdOf } from "./nodes/node.ts";
export type { Registrant, Registration, TailnetWish } from "./nodes/registrant.ts";
export { tailnetWishOf, wishedTailnet } from "./nodes/tailnet-wish.ts";
export { approvedSet, effectiveRoutes, exitRoutes } from "./routes/routes.ts";
export { TailnetError, type TailnetErrorCode } from "./tailnet-error.ts";
export type { PolicyRevision, Tailnet } from "./tailnets/tailnet.ts";
export { type ProviderIdentity, userOfIdentity } from "./users/identity.ts";
export { providerIdOf } from "./users/provider-id.ts";
export { displayNameOf, loginNameOf, type User, type UserRole, userRoles } from "./users/user.ts";
export { CowMap } from "./world/cow-map.ts";
export {
  type ApiKeyId,
  type AuthRequestId,
  defaultTailnetId,
  type NodeId,
  type PolicyId,
  type PreAuthKeyId,
  serverScope,
  type TailnetId,
  taggedDevicesUserId,
  type UserId,
} from "./world/ids.ts";
export { emptyWorld, nodesOf, type Sequences, scopedName, usersOf, type World } from "./world/world.ts";
export { type WorldRows, worldFromRows } from "./world/world-from-rows.ts";
