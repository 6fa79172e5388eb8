import { blake2s, type CipherKey, cipherKey, type DhPrivate, type DhPublic, hkdf2, open, sealInto } from "./crypto.ts";
import { NoiseError } from "./noise-error.ts";
import { nonceBytes, protocolName, tagBytes } from "./protocol.ts";

/** Every key of the handshake encrypts once, so its nonce never leaves zero. Noise §5.1 */
const zeroNonce = new Uint8Array(nonceBytes);

/** The protocol name is longer than a hash, therefore hashed. Noise §5.2 InitializeSymmetric */
const initialHash = blake2s(new TextEncoder().encode(protocolName));

/** A key out of one agreement, good for one message. */
export class SingleUseKey {
  #key: CipherKey | undefined;

  constructor(key: CipherKey) {
    this.#key = key;
  }

  take(): CipherKey {
    const key = this.#key;
    if (!key) throw new NoiseError("finished", "a handshake key encrypts one message only");
    this.#key = undefined;
    return key;
  }
}

/** What is left when a handshake is complete: a key for each direction. Noise §5.2 Split */
export interface Split {
  /** initiator → responder */
  readonly first: CipherKey;
  /** responder → initiator */
  readonly second: CipherKey;
  /** Names this handshake: both sides have the same, no other connection has it. Noise §11.2 */
  readonly handshakeHash: Uint8Array;
}

/** SymmetricState of Noise §5.2 for this one protocol; `h` and `ck` are the specification's names. */
export class SymmetricState {
  #h = initialHash;
  #ck = initialHash;
  #finished = false;

  mixHash(data: Uint8Array): void {
    this.#refuseWhenFinished();
    this.#h = blake2s(this.#h, data);
  }

  /** MixKey(DH(ours, theirs)): one step, so that two keys of the same half can't be passed by mistake. */
  mixDh(ours: DhPrivate, theirs: DhPublic): SingleUseKey {
    this.#refuseWhenFinished();
    const [ck, key] = hkdf2(this.#ck, ours.agree(theirs));
    this.#ck = ck;
    return new SingleUseKey(cipherKey(key));
  }

  encryptAndHash(key: SingleUseKey, plaintext: Uint8Array): Uint8Array {
    this.#refuseWhenFinished();
    const ciphertext = new Uint8Array(plaintext.length + tagBytes);
    sealInto(ciphertext, key.take(), zeroNonce, plaintext, this.#h);
    this.mixHash(ciphertext);
    return ciphertext;
  }

  /** @throws {NoiseError} `bad-tag`; the state is then as it was, but its key is spent. */
  decryptAndHash(key: SingleUseKey, ciphertext: Uint8Array): Uint8Array {
    this.#refuseWhenFinished();
    const plaintext = open(key.take(), zeroNonce, ciphertext, this.#h);
    this.mixHash(ciphertext);
    return plaintext;
  }

  /** Ends this state: no method works afterwards. */
  split(): Split {
    this.#refuseWhenFinished();
    this.#finished = true;
    const [first, second] = hkdf2(this.#ck, new Uint8Array(0));
    return { first: cipherKey(first), second: cipherKey(second), handshakeHash: this.#h };
  }

  #refuseWhenFinished(): void {
    if (this.#finished) throw new NoiseError("finished", "the handshake is over");
  }
}
