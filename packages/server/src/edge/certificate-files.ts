import { createPrivateKey, X509Certificate } from "node:crypto";
import { stat } from "node:fs/promises";
import { createSecureContext } from "node:tls";
import { readBoundedFile } from "#config/bounded-file.ts";
import { certificateDoubt } from "./certificate-doubt.ts";
import { EdgeError } from "./edge-error.ts";
import type { CertificateSource, KeyPair } from "./tls.ts";

export interface CertificateFilesOptions {
  readonly certPath: string;
  readonly keyPath: string;
  /** How often to look at the files. Polling follows the symbolic links that certbot and Kubernetes exchange. */
  readonly everyMs?: number;
  /** Each file; 4 MiB when absent. */
  readonly maxBytes?: number;
  readonly now?: () => number;
  /** What clients dial: the certificate should be for it. */
  readonly host?: string;
  /** What clients will not like about the certificate in force: told when it is taken, and once a day. */
  readonly onDoubt?: (says: string) => void;
  readonly onChange?: (certificate: { readonly notAfter: number }) => void;
  /** The files changed but the old pair stays; told once for each change. */
  readonly onRefused?: (error: EdgeError) => void;
}

export interface CertificateFiles extends CertificateSource, Disposable {
  /** Looks at the files now. */
  reload(): Promise<void>;
}

const dayMs = 86_400_000;

/** A certificate and key from files, exchanged when the files are. @throws {EdgeError} when the first pair is unusable */
export async function openCertificateFiles(options: CertificateFilesOptions): Promise<CertificateFiles> {
  const { certPath, keyPath, everyMs = 10_000, maxBytes = 4 << 20, now = Date.now } = options;
  const listeners = new Set<(pair: KeyPair) => void>();
  let seen = await fingerprint(certPath, keyPath);
  let current = await readPair(certPath, keyPath, maxBytes);
  let looking: Promise<void> | undefined;
  const doubts = new DailyDoubts(now, options.host, (says) => options.onDoubt?.(says));
  doubts.tell(current.cert);

  const look = async () => {
    const state = await fingerprint(certPath, keyPath);
    if (state === seen) return void doubts.tell(current.cert);
    seen = state;
    try {
      const next = await readPair(certPath, keyPath, maxBytes);
      if (next.cert === current.cert && next.key === current.key) return;
      current = next;
      for (const listener of listeners) listener(next);
      doubts.forget();
      doubts.tell(next.cert);
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

/** Says what is doubtful about a certificate once a day, and at once after `forget`. */
class DailyDoubts {
  readonly #now: () => number;
  readonly #host: string | undefined;
  readonly #say: (says: string) => void;
  #toldAt = Number.NEGATIVE_INFINITY;

  constructor(now: () => number, host: string | undefined, say: (says: string) => void) {
    this.#now = now;
    this.#host = host;
    this.#say = say;
  }

  forget(): void {
    this.#toldAt = Number.NEGATIVE_INFINITY;
  }

  tell(cert: string): void {
    const now = this.#now();
    if (now < this.#toldAt + dayMs) return;
    this.#toldAt = now;
    const doubt = certificateDoubt(new X509Certificate(cert), now, this.#host);
    if (doubt !== undefined) this.#say(doubt);
  }
}

/** Changes with every replacement of either file; a file that is away counts as a state, too. */
async function fingerprint(...paths: readonly string[]): Promise<string> {
  const states = await Promise.all(paths.map((path) => stat(path, { bigint: true }).catch(() => undefined)));
  return states.map((state) => (state ? `${state.ino}.${state.size}.${state.mtimeNs}` : "away")).join(" ");
}

async function readPair(certPath: string, keyPath: string, maxBytes: number): Promise<KeyPair> {
  const cert = await read("tls_cert_path", certPath, maxBytes);
  const key = await read("tls_key_path", keyPath, maxBytes);
  const leaf = parse("tls_cert_path", certPath, "a PEM certificate", () => new X509Certificate(cert));
  const privateKey = parse("tls_key_path", keyPath, "a PEM private key", () => createPrivateKey(key));
  if (!leaf.checkPrivateKey(privateKey))
    throw new EdgeError(
      "bad-certificate",
      `tls_key_path: the key in ${keyPath} does not belong to the certificate in ${certPath}`,
    );
  // OpenSSL refuses more than that while it serves: a short key, a broken certificate further down the chain.
  parse("tls_cert_path", certPath, "a chain that OpenSSL serves", () => createSecureContext({ key, cert }));
  return { key, cert };
}

async function read(setting: string, path: string, maxBytes: number): Promise<string> {
  try {
    return await readBoundedFile(path, maxBytes);
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
