import type { NodeKey } from "@headscale/tailcfg/keys";
import { type ConnectOptions, connectDerp } from "#client/connect.ts";
import type { DerpClient } from "#client/derp-client.ts";
import type { DerpMessage } from "#client/messages.ts";
import type { MeshKey } from "#login/mesh-key.ts";
import type { Relay } from "#relay/relay.ts";

const RETRY_MS = 5_000;

export interface MeshLinkOptions extends Omit<ConnectOptions, "onMessage" | "meshKey"> {
  readonly relay: Relay;
  /** Where another relay of the region answers. */
  readonly url: URL;
  readonly meshKey: MeshKey;
  readonly retryMs?: number;
  /** Called when the link comes up, fails, or turns out to lead to this relay itself. */
  readonly onEvent?: (event: { kind: "up" | "down" | "self"; error?: Error }) => void;
}

/**
 * Keeps a relay informed of who is connected to another relay of its region, and forwards packets to it. One link serves one
 * direction: the other relay needs one of its own. Source of the rules: tailscale derp/derphttp/mesh_client.go@de9ec7ee.
 */
export class MeshLink implements AsyncDisposable {
  readonly #options: MeshLinkOptions;
  readonly #present = new Set<NodeKey>();
  readonly #stop = Promise.withResolvers<undefined>();
  readonly #done: Promise<void>;
  #client: DerpClient | undefined;
  #stopped = false;

  /** `privateKey` must be the relay's own. */
  constructor(options: MeshLinkOptions) {
    this.#options = options;
    this.#done = this.#run();
  }

  /** Keys the other relay has. */
  get presentKeys(): number {
    return this.#present.size;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    this.#stop.resolve(undefined);
    this.#client?.close();
    await this.#done;
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      const outcome = await this.#connectOnce();
      if (outcome === "self") return;
      await this.#pause();
    }
  }

  async #connectOnce(): Promise<"self" | "ended"> {
    const { relay, url, onEvent } = this.#options;
    let error: Error | undefined;
    try {
      const client = await connectDerp(url, {
        ...this.#options,
        canAckPings: true,
        onMessage: (message) => this.#hear(client, message),
      });
      if (client.serverKey === relay.publicKey) {
        client.close();
        onEvent?.({ kind: "self" });
        return "self";
      }
      this.#client = client;
      if (this.#stopped) client.close();
      client.watchConnections();
      onEvent?.({ kind: "up" });
      error = await client.ended;
      for (const key of this.#present) relay.removeForwarder(key, client);
      this.#present.clear();
    } catch (cause) {
      error = cause as Error;
    }
    onEvent?.({ kind: "down", ...(error && { error }) });
    return "ended";
  }

  #hear(client: DerpClient, message: DerpMessage): void {
    const { relay } = this.#options;
    if (message.kind === "peer-present" && message.peer !== relay.publicKey) {
      this.#present.add(message.peer);
      relay.addForwarder(message.peer, client);
    } else if (message.kind === "peer-gone") {
      this.#present.delete(message.peer);
      relay.removeForwarder(message.peer, client);
    }
  }

  async #pause(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const retry = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, this.#options.retryMs ?? RETRY_MS);
    });
    await Promise.race([retry, this.#stop.promise]);
    clearTimeout(timer);
  }
}
