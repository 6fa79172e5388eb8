import { constants } from "node:crypto";
import { createServer, type SecureContext, type SecureContextOptions, type Server, type TLSSocket } from "node:tls";
import type { EdgeLimits } from "./limits.ts";

/** PEM of a private key and its chain. */
export interface KeyPair {
  readonly key: string;
  readonly cert: string;
}

/** Where the edge's certificate comes from: files, or `CertificateManager` of @headscale/acme. */
export interface CertificateSource {
  /** `undefined`: none yet; handshakes fail until there is. */
  current(): KeyPair | undefined;
  onChange(listener: (pair: KeyPair) => void): () => void;
  /** Answer to a TLS-ALPN-01 challenge (RFC 8737). */
  alpnContext?(serverName: string): SecureContext | undefined;
}

/**
 * Forward-secret and authenticated only. AES-128 first: with AES in the processor it is the cheapest (test/bench/README.md)
 * and no weaker here than AES-256. A client without it puts ChaCha20 first and gets it (`SSL_OP_PRIORITIZE_CHACHA`).
 */
const ciphers = [
  ...["TLS_AES_128_GCM_SHA256", "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_256_GCM_SHA384"],
  ...["ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256"],
  ...["ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-RSA-CHACHA20-POLY1305"],
  ...["ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-RSA-AES256-GCM-SHA384"],
].join(":");

const acmeTls = "acme-tls/1";
const protocols = ["h2", "http/1.1"];

/** A TLS server that never listens; `secured` gets each connection whose handshake is done, challenges excepted. */
export function createTlsServer(
  certificates: CertificateSource,
  limits: EdgeLimits,
  secured: (socket: TLSSocket) => void,
): { readonly server: Server; readonly release: () => void } {
  const server = createServer({
    ...contextOptions(certificates.current()),
    handshakeTimeout: limits.handshakeMs,
    allowHalfOpen: true,
    // No SNICallback beside it: Node runs that one later and lets its context replace the challenge's.
    ALPNCallback(this: TLSSocket, { servername, protocols: offered }) {
      if (!offered.includes(acmeTls)) return protocols.find((protocol) => offered.includes(protocol));
      const challenge = certificates.alpnContext?.(servername);
      if (!challenge) return undefined;
      this.setKeyCert(challenge);
      return acmeTls;
    },
  });
  server.on("secureConnection", (socket) => {
    socket.on("error", () => socket.destroy());
    if (socket.alpnProtocol === acmeTls) socket.end();
    else secured(socket);
  });
  server.on("tlsClientError", (_, socket) => socket.destroy());
  const release = certificates.onChange((pair) => server.setSecureContext(contextOptions(pair)));
  return { server, release };
}

function contextOptions(pair: KeyPair | undefined): SecureContextOptions {
  return {
    minVersion: "TLSv1.2",
    ciphers,
    honorCipherOrder: true,
    secureOptions: constants.SSL_OP_PRIORITIZE_CHACHA,
    ...(pair && { key: pair.key, cert: pair.cert }),
  };
}
