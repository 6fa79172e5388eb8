import { generateKeyPairSync } from "node:crypto";
import { type NodeKey, publicKeyBytes } from "@headscale/tailcfg/keys";
import { META_CERTIFICATE_PREFIX, PROTOCOL_VERSION } from "#protocol.ts";
import { certificatePem, NO_AUTHORITY, selfSignedDer } from "./x509.ts";

const MONTH_MS = 30 * 86_400_000;

/**
 * PEM of the certificate that tells clients a relay's public key inside the TLS handshake, so that they need not wait for it.
 * Append it to the certificate chain of every TLS context, never before the leaf, and again on each reload: clients look at it
 * under TLS 1.3 only, and never at its dates. Source: tailscale derpserver.go initMetacert@de9ec7ee.
 */
export function metaCertificate(publicKey: NodeKey, now: Date): string {
  return certificatePem(
    selfSignedDer({
      privateKey: generateKeyPairSync("ed25519").privateKey,
      commonName: META_CERTIFICATE_PREFIX + Buffer.from(publicKeyBytes(publicKey)).toString("hex"),
      serial: Buffer.of(PROTOCOL_VERSION),
      notBefore: new Date(now.getTime() - MONTH_MS),
      notAfter: new Date(now.getTime() + MONTH_MS),
      extensions: [NO_AUTHORITY],
    }),
  );
}
