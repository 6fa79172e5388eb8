export { backfillAddresses } from "./addresses/backfill.ts";
export { apiKeyIn, authenticateApiKey, createApiKey, deleteApiKey, expireApiKey } from "./api-keys/commands.ts";
export { authKeyIn, createAuthKey, deleteAuthKey, expireAuthKey, purgeRevokedAuthKeys } from "./auth-keys/commands.ts";
export {
  approveRequest,
  completeRegistration,
  isSameCheck,
  keepCheck,
  openAuthRequest,
  purgeAuthRequests,
  rejectRequest,
  revokeChecks,
} from "./auth-requests/commands.ts";
export { approveBySignIn, registerBySignIn, rejectBySignIn, type SignIn } from "./auth-requests/sign-in.ts";
export {
  autoApproveAll,
  concernsNode,
  deleteNode,
  disableExpiry,
  expireNode,
  nodeIn,
  renameNode,
  reportHostinfo,
  setApprovedRoutes,
  setTags,
} from "./nodes/commands.ts";
export { register } from "./nodes/register.ts";
export {
  createTailnet,
  defaultTailnetName,
  deleteTailnet,
  ensureDefaultTailnet,
  renameTailnet,
  setPolicy,
  tailnetIn,
  tailnetNamed,
} from "./tailnets/commands.ts";
export { createUser, deleteUser, renameUser, setUserRole, userIn } from "./users/commands.ts";
