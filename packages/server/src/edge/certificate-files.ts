import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { EdgeError } from "./edge-error.ts";
import type { CertificateSource, KeyPair } from "./tls.ts";

export interface CertificateFilesOptions {
  readonly certPath: string;
  readonly keyPath: string;
  /** How often to look at the files. Polling follows the symbolic links that certbot and Kubernetes exchange. */
  readonly everyMs?: number;
  readonly onChange?: (certificate: { readonly notAfter: number }) => void;
  /** The files changed but the old pair stays; told once for each change. */
  readonly onRefused?: (error: EdgeError) => void;
}

export interface CertificateFiles extends CertificateSource, Disposable {
  /** Looks at the files now. */
  reload(): Promise<void>;
}

/** A certificate and key from files, exchanged when the files are. @throws {EdgeError} when the first pair is unusable */
export async function openCertificateFiles(options: CertificateFilesOptions): Promise<CertificateFiles> {
  const { certPath, keyPath, everyMs = 10_000 } = options;
  const listeners = new Set<(pair: KeyPair) => void>();
  let seen = await fingerprint(certPath, keyPath);
  let current = await readPair(certPath, keyPath);
  let looking: Promise<void> | undefined;

  const look = async () => {
    const now = await fingerprint(certPath, keyPath);
    if (now === seen) return;
    seen = now;
    try {
      const next = await readPair(certPath, keyPath);
      if (next.cert === current.cert && next.key === current.key) return;
      current = next;
      for (const listener of listeners) listener(next);
      options.onChange?.({ notAfter: new X509Certificate(next.cert).validToDate.getTime() });
    } catch (error) {
      options.onRefused?.(error as EdgeError);
    }
  };
  const reload = () => {
    looking ??= look().finally(() => {
      looking = undefined;
    });
    return looking;
  };
  const timer = setInterval(() => void reload(), everyMs).unref();

  return {
    current: () => current,
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    reload,
    [Symbol.dispose]: () => clearInterval(timer),
  };
}

/** Changes with every replacement of either file; a file that is away counts as a state, too. */
async function fingerprint(...paths: readonly string[]): Promise<string> {
  const states = await Promise.all(paths.map((path) => stat(path, { bigint: true }).catch(() => undefined)));
  return states.map((state) => (state ? `${state.ino}.${state.size}.${state.mtimeNs}` : "away")).join(" ");
}

async function readPair(certPath: string, keyPath: string): Promise<KeyPair> {
  const cert = await read("tls_cert_path", certPath);
  const key = await read("tls_key_path", keyPath);
  const leaf = parse("tls_cert_path", certPath, "a PEM certificate", () => new X509Certificate(cert));
  const privateKey = parse("tls_key_path", keyPath, "a PEM private key", () => createPrivateKey(key));
  if (!leaf.checkPrivateKey(privateKey))
    throw new EdgeError("bad-certificate", `the key in ${keyPath} does not belong to the certificate in ${certPath}`);
  return { key, cert };
}

async function read(setting: string, path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    throw new EdgeError("bad-certificate", `${setting}: cannot read ${path}`, cause);
  }
}

function parse<T>(setting: string, path: string, what: string, reading: () => T): T {
  try {
    return reading();
  } catch (cause) {
    throw new EdgeError("bad-certificate", `${setting}: ${path} does not hold ${what}`, cause);
  }
}
