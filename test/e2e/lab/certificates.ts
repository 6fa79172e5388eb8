import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { outputOf } from "./process.ts";

/** PEM files of a certificate and of the authority that signed it. */
export interface Certificate {
  readonly authority: string;
  readonly certificate: string;
  readonly key: string;
}

/** Makes an authority of the lab's own, and by it a certificate for a name and an address. */
export async function makeCertificate(directory: string, name: string, address: string): Promise<Certificate> {
  mkdirSync(directory, { recursive: true });
  const file = (base: string) => join(directory, base);
  const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"] as const;
  const days = ["-days", "30"] as const;
  const authority = { key: file("ca.key"), certificate: file("ca.pem") };
  const usage = ["-addext", "keyUsage=critical,keyCertSign,cRLSign"] as const;
  const root = ["-keyout", authority.key, "-out", authority.certificate, "-subj", "/CN=lab authority"] as const;
  await outputOf(["openssl", "req", "-x509", ...newKey, ...days, ...root, ...usage]);

  const leaf = {
    key: file("leaf.key"),
    request: file("leaf.csr"),
    certificate: file("leaf.pem"),
    extensions: file("leaf.ext"),
  };
  await outputOf(["openssl", "req", ...newKey, "-keyout", leaf.key, "-out", leaf.request, "-subj", `/CN=${name}`]);
  writeFileSync(
    leaf.extensions,
    `subjectAltName=DNS:${name},IP:${address}\nextendedKeyUsage=serverAuth\nbasicConstraints=CA:FALSE\n`,
  );
  const signer = ["-CA", authority.certificate, "-CAkey", authority.key, "-CAcreateserial"] as const;
  const output = ["-extfile", leaf.extensions, "-out", leaf.certificate] as const;
  await outputOf(["openssl", "x509", "-req", "-in", leaf.request, ...signer, ...days, ...output]);
  return { authority: authority.certificate, certificate: leaf.certificate, key: leaf.key };
}
