import { prologuePrefix } from "./protocol.ts";

/** Binds the handshake to the version that travels in the clear. Source: tailscale control/controlbase/handshake.go@de9ec7ee */
export function prologue(version: number): Uint8Array {
  return new TextEncoder().encode(`${prologuePrefix}${version}`);
}
