import type { NLKey, NodeKey } from "#keys/public-key.ts";
import type { Hostinfo } from "./hostinfo.ts";

/** Body of `POST /machine/register`. Source: tailscale tailcfg/tailcfg.go@de9ec7ee RegisterRequest. */
export interface RegisterRequest {
  readonly Version: number;
  readonly NodeKey: NodeKey;
  /** Zero key when none; stays set for ever after a rotation, so by itself it asks for nothing. */
  readonly OldNodeKey: NodeKey;
  readonly NLKey?: NLKey;
  readonly Auth?: { readonly AuthKey?: string };
  /** Milliseconds since the epoch: past = log out, future = shorten; absent = Go's zero time. */
  readonly Expiry?: number;
  /** The AuthURL given before, or absent. */
  readonly Followup?: string;
  readonly Hostinfo: Hostinfo;
  readonly Ephemeral: boolean;
  readonly Tailnet?: string;
}

export interface UserOfRegister {
  readonly ID: number;
  readonly DisplayName: string;
  readonly ProfilePicURL?: string;
  readonly Created?: string;
}

export interface Login {
  readonly ID: number;
  readonly Provider: string;
  readonly LoginName: string;
  readonly DisplayName: string;
  readonly ProfilePicURL?: string;
}

/** Answer to RegisterRequest; clients read `Error`, then `NodeKeyExpired`, then `AuthURL`, else it is success. */
export interface RegisterResponse {
  readonly User?: UserOfRegister;
  readonly Login?: Login;
  readonly NodeKeyExpired?: boolean;
  readonly MachineAuthorized?: boolean;
  readonly AuthURL?: string;
  readonly NodeKeySignature?: string | null;
  readonly Error?: string;
}
