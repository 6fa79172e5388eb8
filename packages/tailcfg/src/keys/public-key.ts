declare const brand: unique symbol;

/** `mkey:` + 64 lower-case hex digits: Curve25519 public key of a machine, or of the control server. Source: tailscale types/key/machine.go@de9ec7ee. */
export type MachineKey = string & { readonly [brand]: "MachineKey" };
/** `nodekey:` + 64 lower-case hex digits: a node's WireGuard public key. Source: tailscale types/key/node.go@de9ec7ee. */
export type NodeKey = string & { readonly [brand]: "NodeKey" };
/** `discokey:` + 64 lower-case hex digits: key of the path-discovery protocol. Source: tailscale types/key/disco.go@de9ec7ee. */
export type DiscoKey = string & { readonly [brand]: "DiscoKey" };
/** `nlpub:` + 64 lower-case hex digits: Ed25519 tailnet-lock public key. Source: tailscale types/key/nl.go@de9ec7ee. */
export type NLKey = string & { readonly [brand]: "NLKey" };
/** `chalpub:` + 64 lower-case hex digits: the early payload's node-key challenge. Source: tailscale types/key/chal.go@de9ec7ee. */
export type ChallengeKey = string & { readonly [brand]: "ChallengeKey" };

interface KeyKinds {
  mkey: MachineKey;
  nodekey: NodeKey;
  discokey: DiscoKey;
  nlpub: NLKey;
  chalpub: ChallengeKey;
}

/** A text is not the key it should be. The message never quotes the text: people paste secrets into the wrong box. */
export class KeyFormatError extends Error {
  override readonly name = "KeyFormatError";
  readonly code: "bad-prefix" | "bad-length" | "bad-hex";
  constructor(code: KeyFormatError["code"], expected: string) {
    super(
      `not a ${expected} key: ${{ "bad-prefix": "wrong prefix", "bad-length": "wrong length", "bad-hex": "not hexadecimal" }[code]}`,
    );
    this.code = code;
  }
}

/** The 64 hex digits behind `prefix:`, lower-cased. @throws {KeyFormatError} */
export function parsePrefixedHex(prefix: string, text: string): string {
  if (!text.startsWith(`${prefix}:`)) throw new KeyFormatError("bad-prefix", prefix);
  const digits = text.slice(prefix.length + 1);
  if (digits.length !== 64) throw new KeyFormatError("bad-length", prefix);
  if (!/^[0-9a-fA-F]{64}$/.test(digits)) throw new KeyFormatError("bad-hex", prefix);
  return digits.toLowerCase();
}

function kind<P extends keyof KeyKinds>(prefix: P) {
  const zero = `${prefix}:${"0".repeat(64)}` as KeyKinds[P];
  return {
    /** All-zero key: "none" wherever Go has no omit tag. */
    zero,
    /** @throws {KeyFormatError} unless `text` is the prefix and 64 hex digits. */
    parse: (text: string): KeyKinds[P] => `${prefix}:${parsePrefixedHex(prefix, text)}` as KeyKinds[P],
    /** `bytes` must be 32 long. @throws {KeyFormatError} */
    fromBytes: (bytes: Uint8Array): KeyKinds[P] => {
      if (bytes.length !== 32) throw new KeyFormatError("bad-length", prefix);
      return `${prefix}:${Buffer.from(bytes.buffer, bytes.byteOffset, 32).toString("hex")}` as KeyKinds[P];
    },
    isZero: (key: KeyKinds[P]): boolean => key === zero,
  };
}

export const MachineKey: ReturnType<typeof kind<"mkey">> = kind("mkey");
export const NodeKey: ReturnType<typeof kind<"nodekey">> = kind("nodekey");
export const DiscoKey: ReturnType<typeof kind<"discokey">> = kind("discokey");
export const NLKey: ReturnType<typeof kind<"nlpub">> = kind("nlpub");
export const ChallengeKey: ReturnType<typeof kind<"chalpub">> = kind("chalpub");

/** The 32 bytes of any public key text. */
export function publicKeyBytes(key: MachineKey | NodeKey | DiscoKey | NLKey | ChallengeKey): Uint8Array {
  return new Uint8Array(Buffer.from(key.slice(key.indexOf(":") + 1), "hex"));
}

/** `[abcde]`: how Tailscale's logs and headscale's tables shorten a key (first 5 characters of its base64). */
export function shortKey(key: MachineKey | NodeKey | DiscoKey): string {
  return `[${Buffer.from(publicKeyBytes(key)).toString("base64").slice(0, 5)}]`;
}
