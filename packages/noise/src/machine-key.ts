import { MachineKey, type PrivateKey } from "@headscale/tailcfg/keys";
import { DhPrivate } from "./crypto.ts";

/** The public half of a machine's or server's private key. */
export function publicMachineKey(key: PrivateKey): MachineKey {
  return MachineKey.fromBytes(DhPrivate.of(key).publicBytes);
}
