declare const brand: unique symbol;

/** A tailnet (namespace). 0 is the server itself: what belongs to no tailnet (API keys, pending logins). 1 is `default`. */
export type TailnetId = number & { readonly [brand]: "TailnetId" };
export type UserId = number & { readonly [brand]: "UserId" };
/** Never reused, ≤ 2^53−1: clients key their map by it. */
export type NodeId = number & { readonly [brand]: "NodeId" };
export type PreAuthKeyId = number & { readonly [brand]: "PreAuthKeyId" };
export type ApiKeyId = number & { readonly [brand]: "ApiKeyId" };
export type PolicyId = number & { readonly [brand]: "PolicyId" };
/** `hskey-authreq-` + 24 hex digits: names a pending login or SSH check. */
export type AuthRequestId = string & { readonly [brand]: "AuthRequestId" };

export const serverScope = 0 as TailnetId;
export const defaultTailnetId = 1 as TailnetId;

/** Owner shown for tagged nodes, as headscale and Tailscale do. Source: headscale f20f1f12 hscontrol/types/users.go TaggedDevicesUserID. */
export const taggedDevicesUserId = 2147455555 as UserId;
