import { createPrivateKey, X509Certificate } from "node:crypto";
import { metaCertificate, selfSignedCertificate } from "@headscale/derp/certificate";
import { NodeKey } from "@headscale/tailcfg/keys";
import { describe, expect, test } from "vitest";
import type { CertificateSource, KeyPair } from "#edge/tls.ts";
import { withMeta } from "./certificates.ts";

const meta = metaCertificate(NodeKey.fromBytes(Buffer.alloc(32, 7)), new Date());
const pair = () => selfSignedCertificate({ names: ["hs.test.example"], now: new Date() });

/** A source whose certificate is exchanged by hand. */
function exchangeable(first: KeyPair | undefined) {
  const listeners = new Set<(next: KeyPair) => void>();
  const source: CertificateSource = {
    current: () => first,
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  return { source, listeners, exchange: (next: KeyPair) => listeners.forEach((listener) => void listener(next)) };
}

const chain = (pem: string) => pem.match(/-----BEGIN[^-]*-----[^-]*-----END[^-]*-----/g) ?? [];

describe("withMeta", () => {
  test("puts the relay's certificate behind the chain, now and after an exchange", () => {
    const [first, second] = [pair(), pair()];
    const { source, exchange, listeners } = exchangeable(first);
    const extended = withMeta(source, meta);
    const heard: KeyPair[] = [];
    const release = extended.onChange((next) => heard.push(next));
    exchange(second);
    for (const [served, own] of [
      [extended.current(), first],
      [heard[0], second],
    ] as const) {
      expect(served?.key).toBe(own.key);
      expect(chain(served?.cert ?? "")).toEqual([...chain(own.cert), ...chain(meta)]);
      expect(new X509Certificate(served?.cert ?? "").checkPrivateKey(createPrivateKey(own.key))).toBe(true);
    }
    release();
    expect(listeners.size).toBe(0);
  });

  test("adds nothing while there is no certificate yet", () => {
    expect(withMeta(exchangeable(undefined).source, meta).current()).toBeUndefined();
  });
});
