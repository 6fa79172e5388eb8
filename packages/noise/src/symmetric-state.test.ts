import { PrivateKey } from "@headscale/tailcfg/keys";
import { describe, expect, test } from "vitest";
import cacophony from "../../../test/vectors/noise/cacophony-ik.json" with { type: "json" };
import ts2021 from "../../../test/vectors/noise/ts2021-v145.json" with { type: "json" };
import { type CipherKey, cipherKey, DhPrivate, DhPublic, sealInto } from "./crypto.ts";
import { prologue } from "./prologue.ts";
import { SingleUseKey, SymmetricState } from "./symmetric-state.ts";

const hex = (text: string) => new Uint8Array(Buffer.from(text, "hex"));
const toHex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
const keyHex = (key: CipherKey) => key.export().toString("hex");
const pair = (privateHex: string) => DhPrivate.of(new PrivateKey(hex(privateHex)));
const publicOf = (key: DhPrivate) => new DhPublic(key.publicBytes);

/** IK as the specification writes it, payloads included: both sides at once, messages as hex. */
function interactiveIK() {
  const [is, ie] = [pair(cacophony.init_static), pair(cacophony.init_ephemeral)];
  const [rs, re] = [pair(cacophony.resp_static), pair(cacophony.resp_ephemeral)];
  const [initiator, responder] = [new SymmetricState(), new SymmetricState()];
  for (const state of [initiator, responder]) {
    state.mixHash(hex(cacophony.init_prologue));
    state.mixHash(rs.publicBytes);
    state.mixHash(ie.publicBytes);
  }
  const [first, second] = cacophony.messages.map(({ payload }) => hex(payload)) as [Uint8Array, Uint8Array];
  const s = initiator.encryptAndHash(initiator.mixDh(ie, publicOf(rs)), is.publicBytes);
  const body = initiator.encryptAndHash(initiator.mixDh(is, publicOf(rs)), first);
  const theirs = new DhPublic(responder.decryptAndHash(responder.mixDh(rs, publicOf(ie)), s));
  expect(toHex(responder.decryptAndHash(responder.mixDh(rs, theirs), body))).toBe(toHex(first));

  for (const state of [initiator, responder]) state.mixHash(re.publicBytes);
  responder.mixDh(re, publicOf(ie));
  const answer = responder.encryptAndHash(responder.mixDh(re, theirs), second);
  initiator.mixDh(ie, publicOf(re));
  expect(toHex(initiator.decryptAndHash(initiator.mixDh(is, publicOf(re)), answer))).toBe(toHex(second));
  return {
    messages: [toHex(ie.publicBytes) + toHex(s) + toHex(body), toHex(re.publicBytes) + toHex(answer)],
    initiator,
    responder,
  };
}

describe("SymmetricState", () => {
  test("produces the messages, hash and first transport messages of cacophony's vector", () => {
    const { messages, initiator, responder } = interactiveIK();
    expect(messages).toEqual(cacophony.messages.slice(0, 2).map(({ ciphertext }) => ciphertext));
    const [left, right] = [initiator.split(), responder.split()];
    expect(keyHex(left.first) + keyHex(left.second)).toBe(keyHex(right.first) + keyHex(right.second));
    expect(left.handshakeHash).toEqual(right.handshakeHash);
    expect(toHex(left.handshakeHash)).toBe(cacophony.handshake_hash);
    for (const [key, message] of [
      [left.first, cacophony.messages[2]],
      [left.second, cacophony.messages[3]],
    ] as const) {
      const payload = hex(message?.payload ?? "");
      const sealed = new Uint8Array(payload.length + 16);
      sealInto(sealed, key, new Uint8Array(12), payload);
      expect(toHex(sealed)).toBe(message?.ciphertext);
    }
  });

  test("derives the keys of the ts2021 vector", () => {
    const state = new SymmetricState();
    const [server, machine] = [pair(ts2021.serverStatic.private), pair(ts2021.machineStatic.private)];
    const [e, E] = [pair(ts2021.machineEphemeral.private), pair(ts2021.serverEphemeral.private)];
    state.mixHash(prologue(ts2021.version));
    const keys = [
      state.mixDh(e, publicOf(server)),
      state.mixDh(machine, publicOf(server)),
      state.mixDh(e, publicOf(E)),
      state.mixDh(machine, publicOf(E)),
    ].map((key) => keyHex(key.take()));
    const { es, ss, ee, se } = ts2021.handshakeKeys;
    expect(keys).toEqual([es, ss, ee, se]);
  });

  test("refuses every use after split", () => {
    const state = new SymmetricState();
    const key = new SingleUseKey(cipherKey(new Uint8Array(32)));
    state.split();
    const [ours, theirs] = [DhPrivate.generate(), publicOf(DhPrivate.generate())];
    for (const use of [
      () => state.mixHash(new Uint8Array(1)),
      () => state.mixDh(ours, theirs),
      () => state.encryptAndHash(key, new Uint8Array(1)),
      () => state.decryptAndHash(key, new Uint8Array(17)),
      () => state.split(),
    ]) {
      expect(use).toThrow(expect.objectContaining({ code: "finished" }));
    }
  });

  test("encrypts one message with a key, no second", () => {
    const state = new SymmetricState();
    const key = new SingleUseKey(cipherKey(new Uint8Array(32)));
    state.encryptAndHash(key, new Uint8Array(1));
    expect(() => state.encryptAndHash(key, new Uint8Array(1))).toThrow(expect.objectContaining({ code: "finished" }));
  });
});
