import type { Hostinfo } from "@headscale/tailcfg";
import type { MachineKey, NLKey, NodeKey } from "@headscale/tailcfg/keys";
import type { HashedSecret } from "#auth-keys/pre-auth-key.ts";
import type { AuthRequestId } from "#world/ids.ts";
import type { Node } from "./node.ts";

/** `RegisterRequest.Tailnet`. */
export interface TailnetWish {
  /** Name or MagicDNS suffix of a tailnet, in lower case. */
  readonly name: string;
  /** The machine must not end up in any other. */
  readonly required: boolean;
}

/** A machine that asks to be (or to stay) a node; `machineKey` is proved by its Noise connection, the rest is its word. */
export interface Registrant {
  readonly machineKey: MachineKey;
  readonly nodeKey: NodeKey;
  readonly nlKey?: NLKey;
  readonly hostinfo: Hostinfo;
  readonly ephemeral: boolean;
  /** ms since the epoch: past = log out, future = shorten or ask for. */
  readonly expiry?: number;
  /** A presented pre-auth key; `"malformed"` when its text cannot be one. */
  readonly authKey?: HashedSecret | "malformed";
  /** The tailnet that the machine's own administrator wants it in. */
  readonly wish?: TailnetWish;
  /** The pending login that the client follows up. */
  readonly followup?: AuthRequestId;
}

/** What a registration comes to; refusals are thrown. */
export type Registration =
  /** The machine is this node, its key is good. */
  | { readonly kind: "authorized"; readonly node: Node }
  /** The node key is no longer good: the client makes a new one and comes back. */
  | { readonly kind: "expired"; readonly node?: Node }
  /** A person has to act on this request; hold the client until it does. */
  | { readonly kind: "wait"; readonly authId: AuthRequestId }
  /** A person has to act: show the URL. */
  | { readonly kind: "login"; readonly authId: AuthRequestId };
