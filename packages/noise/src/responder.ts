import { MachineKey, type PrivateKey } from "@headscale/tailcfg/keys";
import { DhPrivate, DhPublic } from "./crypto.ts";
import { decodeInitiation, encodeResponse } from "./handshake-frame.ts";
import { NoiseSession } from "./noise-session.ts";
import { prologue } from "./prologue.ts";
import { SymmetricState } from "./symmetric-state.ts";

export interface HandshakeRequest {
  /** The server's long-lived key. */
  readonly staticKey: PrivateKey;
  /** The 101 bytes of the client. */
  readonly initiation: Uint8Array;
  /** Fresh for each handshake; made here when left out. */
  readonly ephemeral?: PrivateKey;
}

export interface AcceptedHandshake {
  /** Capability version of the client; whether it is high enough is the caller's question. */
  readonly version: number;
  /** Who called: proven, but any key is let in, so everything that follows needs authorisation of its own. */
  readonly machineKey: MachineKey;
  /** The 51 bytes that must be the first the client reads. */
  readonly response: Uint8Array;
  readonly session: NoiseSession;
}

/**
 * The server's side of the handshake, in one step.
 * @throws {NoiseError} `bad-length`, `bad-frame-type`, `bad-tag` (also when the client used another server key) or
 * `zero-shared-secret`
 */
export function respondHandshake(request: HandshakeRequest): AcceptedHandshake {
  const message = decodeInitiation(request.initiation);
  const ours = DhPrivate.of(request.staticKey);
  const state = new SymmetricState();
  state.mixHash(prologue(message.version));
  // <- s
  state.mixHash(ours.publicBytes);
  // -> e, es, s, ss
  const theirEphemeral = new DhPublic(message.ephemeral);
  state.mixHash(theirEphemeral.bytes);
  const es = state.mixDh(ours, theirEphemeral);
  const theirs = new DhPublic(state.decryptAndHash(es, message.sealedStatic));
  const ss = state.mixDh(ours, theirs);
  state.decryptAndHash(ss, message.tag);
  // <- e, ee, se
  const ourEphemeral = request.ephemeral ? DhPrivate.of(request.ephemeral) : DhPrivate.generate();
  state.mixHash(ourEphemeral.publicBytes);
  state.mixDh(ourEphemeral, theirEphemeral);
  const se = state.mixDh(ourEphemeral, theirs);
  const tag = state.encryptAndHash(se, new Uint8Array(0));

  const { first, second, handshakeHash } = state.split();
  return {
    version: message.version,
    machineKey: MachineKey.fromBytes(theirs.bytes),
    response: encodeResponse({ ephemeral: ourEphemeral.publicBytes, tag }),
    session: new NoiseSession(message.version, handshakeHash, second, first),
  };
}
