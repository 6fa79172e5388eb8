import { frameMapMessage } from "@headscale/tailcfg/codec";
import { compressPiece } from "./zstd-piece.ts";

/** Characters of messages that are remembered at a time. */
const maxCharacters = 4 << 20;

/** What several sessions are about to send is framed and compressed once. */
export class SharedMessages {
  readonly #known = new Map<string, Uint8Array>();
  #characters = 0;

  /** The message with this JSON text as it goes over a stream. */
  of(text: string): Uint8Array {
    const known = this.#known.get(text);
    if (known) return known;
    const message = Buffer.concat(frameMapMessage([compressPiece(text)]));
    if (this.#characters + text.length > maxCharacters) {
      this.#known.clear();
      this.#characters = 0;
    }
    this.#known.set(text, message);
    this.#characters += text.length;
    return message;
  }
}
