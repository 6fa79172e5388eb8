import type { Hostinfo } from "@headscale/tailcfg";
import type { MachineKey, NLKey, NodeKey } from "@headscale/tailcfg/keys";
import type { TailnetWish } from "#nodes/registrant.ts";
import { TailnetError } from "#tailnet-error.ts";
import type { AuthRequestId, NodeId } from "#world/ids.ts";

/** What waits for a person: a node that wants in, or an SSH connection that wants a check. */
export type AuthPurpose =
  | {
      readonly kind: "register";
      readonly machineKey: MachineKey;
      readonly nodeKey: NodeKey;
      readonly nlKey?: NLKey;
      readonly hostinfo: Hostinfo;
      readonly ephemeral: boolean;
      /** Expiry that the client asked for, ms since the epoch. */
      readonly expiry?: number;
      readonly wish?: TailnetWish;
    }
  | {
      readonly kind: "ssh-check";
      readonly src: NodeId;
      readonly dst: NodeId;
      readonly login: string;
      /** When it was accepted: such connections need no other check for as long as the policy says. */
      readonly approvedAt?: number;
    };

/** A row, so that it outlives a restart and any replica can finish it. Verdicts are final; rows go at `expiresAt`. */
export interface AuthRequest {
  readonly id: AuthRequestId;
  readonly purpose: AuthPurpose;
  readonly verdict: "pending" | "accepted" | "rejected";
  readonly nodeId?: NodeId;
  readonly createdAt: number;
  readonly expiresAt: number;
}

const form = /^hskey-authreq-[0-9a-f]{24}$/;

/** @throws {TailnetError} unless `text` is `hskey-authreq-` + 24 hex digits. */
export function parseAuthRequestId(text: string): AuthRequestId {
  if (!form.test(text))
    throw new TailnetError("argument-invalid", "not an auth id: expected hskey-authreq- and 24 hexadecimal digits");
  return text as AuthRequestId;
}
