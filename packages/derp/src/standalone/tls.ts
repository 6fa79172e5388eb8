import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import tls from "node:tls";
import type { NodeKey } from "@headscale/tailcfg/keys";
import { metaCertificate } from "#certificate/meta-certificate.ts";
import { certificatePin, type ServerCertificate } from "#certificate/self-signed.ts";
import { OptionError, type StandaloneOptions } from "./options.ts";
import { loadOrCreateCertificate } from "./state.ts";

/**
 * AES-128 first, as Go's servers choose: relayed packets are already encrypted end to end, and a relay spends most of its time here.
 */
const CIPHERS = [
  "TLS_AES_128_GCM_SHA256",
  ...tls.DEFAULT_CIPHERS.split(":").filter((c) => c !== "TLS_AES_128_GCM_SHA256"),
];

export const TLS_OPTIONS: tls.TlsOptions = {
  minVersion: "TLSv1.2",
  ciphers: CIPHERS.join(":"),
  handshakeTimeout: 10_000,
};

export interface Identity extends ServerCertificate {
  /** What clients are to check the certificate by, if no authority vouches for it. */
  readonly pin: string | undefined;
}

/** @throws {OptionError} unless the key is the first certificate's: OpenSSL would pass over nonsense before the meta certificate. */
function readPair({ certFile, keyFile }: { certFile: string; keyFile: string }): ServerCertificate {
  const cert = readFileSync(certFile, "utf8");
  const key = readFileSync(keyFile, "utf8");
  let isPair = false;
  try {
    isPair = new X509Certificate(cert).checkPrivateKey(createPrivateKey(key));
  } catch (cause) {
    throw new OptionError("--cert, --key: not PEM", { cause });
  }
  if (!isPair) throw new OptionError("--key does not belong to --cert");
  return { cert, key };
}

/** The certificate to serve, the meta certificate appended. Reads files anew at each call. */
export function loadIdentity(options: StandaloneOptions, publicKey: NodeKey): Identity {
  const given = options.certificate;
  const { cert, key } = given ? readPair(given) : loadOrCreateCertificate(options.stateDir, options.hostname);
  return {
    cert: `${cert.trimEnd()}\n${metaCertificate(publicKey, new Date())}`,
    key,
    pin: given ? undefined : certificatePin(cert),
  };
}
