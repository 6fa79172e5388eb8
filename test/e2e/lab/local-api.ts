import { request } from "node:http";
import { createInterface } from "node:readline";

/**
 * The part of a client's status that tests look at. Absent lists are left out or null by the client.
 * Source: tailscale ipn/ipnstate/ipnstate.go@de9ec7ee.
 */
export interface Status {
  readonly BackendState: "NoState" | "NeedsLogin" | "NeedsMachineAuth" | "Stopped" | "Starting" | "Running";
  readonly AuthURL: string;
  readonly TailscaleIPs: readonly string[] | null;
  readonly Self: PeerStatus;
  readonly Health: readonly string[] | null;
  readonly Peer?: Readonly<Record<string, PeerStatus>> | null;
  readonly ExitNodeStatus?: { readonly Online: boolean };
}

export interface PeerStatus {
  readonly ID: string;
  readonly PublicKey: string;
  readonly HostName: string;
  readonly DNSName: string;
  readonly TailscaleIPs: readonly string[] | null;
  readonly PrimaryRoutes?: readonly string[] | null;
  readonly AllowedIPs?: readonly string[] | null;
  readonly Online: boolean;
  readonly ExitNodeOption: boolean;
  readonly Expired?: boolean;
  readonly KeyExpiry?: string;
  readonly sshHostKeys?: readonly string[] | null;
}

const host = "local-tailscaled.sock";
const answerWithinMs = 10_000;

/** One request to a client's own API, its answer as text. */
export function askClient(socket: string, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath: socket, path: `/localapi/v0/${path}`, headers: { host } }, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (chunk: string) => {
        text += chunk;
      });
      answer.once("end", () => {
        if (answer.statusCode === 200) resolve(text);
        else reject(new Error(`${path}: ${answer.statusCode} ${text}`));
      });
      answer.once("error", reject);
    });
    asked.setTimeout(answerWithinMs, () => asked.destroy(new Error(`${path}: no answer`)));
    asked.once("error", reject).end();
  });
}

/** Initial state (2), prefs (4), health (128), and, for the new client, peers and their patches (4096, 32768). */
const busMask = 2 | 4 | 128 | 4096 | 32768;

/** Hands every notification of a client to `heard`, until the client ends or the returned function is called. */
export function watchBus(socket: string, heard: (line: string) => void): () => void {
  const path = `/localapi/v0/watch-ipn-bus?mask=${busMask}`;
  const asked = request({ socketPath: socket, path, headers: { host } }, (answer) => {
    answer.on("error", () => {});
    createInterface({ input: answer })
      .on("line", heard)
      .on("error", () => {});
  });
  asked.on("error", () => {}).end();
  return () => asked.destroy();
}
