import { dirname, isAbsolute, join, relative, resolve } from "node:path";

/** The folder that a packaged installation reads its configuration from. */
export const systemFolder = "/etc/headscale";
const systemDataDir = "/var/lib/headscale";
const systemSocket = "/var/run/headscale/headscale.sock";

/** `sun_path` holds 108 bytes with the final NUL. Source: unix(7). */
const maxSocketPathBytes = 107;

/** Where files are: relative paths start at the folder of the configuration file, or at the working folder when there is none. */
export class Place {
  readonly #folder: string;
  readonly #workingFolder: string;
  readonly #dataDir: string;

  constructor(file: string | undefined, workingFolder: string, dataDir: string | undefined) {
    this.#folder = file === undefined ? workingFolder : dirname(file);
    this.#workingFolder = workingFolder;
    this.#dataDir = this.resolve(dataDir ?? (this.#isSystem ? systemDataDir : "data"));
  }

  get #isSystem(): boolean {
    return this.#folder === systemFolder;
  }

  get dataDir(): string {
    return this.#dataDir;
  }

  resolve(path: string): string {
    return isAbsolute(path) ? path : resolve(this.#folder, path);
  }

  /** `written` made absolute, or the file of that name in the data folder. */
  resolveOr(written: string | undefined, nameInDataDir: string): string {
    return written === undefined ? join(this.#dataDir, nameInDataDir) : this.resolve(written);
  }

  /** The unix socket's path, `undefined` where the system could not bind it because it is too long. */
  socket(written: string | undefined): string | undefined {
    const usual = this.#isSystem ? systemSocket : join(this.#dataDir, "headscale.sock");
    const absolute = written === undefined ? usual : this.resolve(written);
    if (fitsSocket(absolute)) return absolute;
    const short = relative(this.#workingFolder, absolute);
    return fitsSocket(short) ? short : undefined;
  }
}

function fitsSocket(path: string): boolean {
  return Buffer.byteLength(path) <= maxSocketPathBytes;
}
