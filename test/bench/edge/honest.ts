import { Agent, get } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { ControlClient } from "../../support/control-client.ts";
import type { BenchDaemon } from "../control/daemon.ts";

const requestEveryMs = 10;
const renameEveryMs = 50;
const dialEveryMs = 250;
/** An answer that takes longer is none. */
const patienceMs = 5_000;

/** How those fared that behave, in ms each. */
export interface Fared {
  readonly health: readonly number[];
  /** From an administrator's order to the machine that is told of it. */
  readonly changes: readonly number[];
  /** A new Noise connection and its first answer. */
  readonly dials: readonly number[];
  /** Requests, changes and connections that came to nothing. */
  readonly lost: number;
}

/** Two machines of a tailnet and somebody who looks at its health, all from an address of their own. */
export class Honest implements AsyncDisposable {
  readonly #daemon: BenchDaemon;
  readonly #watcher: ControlClient;
  readonly #renamed: ControlClient;
  readonly #said = new Map<string, () => void>();
  #lost = 0;

  private constructor(daemon: BenchDaemon) {
    this.#daemon = daemon;
    this.#watcher = new ControlClient({ server: daemon.server, hostinfo: { Hostname: "watcher" } });
    this.#renamed = new ControlClient({ server: daemon.server, hostinfo: { Hostname: "renamed" } });
  }

  static async join(daemon: BenchDaemon, authKey: string): Promise<Honest> {
    const honest = new Honest(daemon);
    await honest.#watcher.register({ authKey });
    await honest.#renamed.register({ authKey });
    await honest.#watcher.follow({
      onMessage: ({ PeersChanged }) => {
        for (const { Name = "" } of PeersChanged ?? []) honest.#said.get(Name.split(".", 1)[0] ?? "")?.();
      },
    });
    return honest;
  }

  /** Goes about its business for `forMs`. */
  async behave(forMs: number): Promise<Fared> {
    const until = performance.now() + forMs;
    this.#lost = 0;
    const [health, changes, dials] = await Promise.all([this.#ask(until), this.#rename(until), this.#dial(until)]);
    return { health, changes, dials, lost: this.#lost };
  }

  /** Requests over one kept-alive connection. */
  async #ask(until: number): Promise<number[]> {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const { port } = this.#daemon;
    const times = await this.#timed(until, requestEveryMs, async () => {
      await new Promise((resolve, reject) => {
        get({ host: "127.0.0.1", port, agent, path: "/health", timeout: patienceMs }, (response) =>
          response.resume().once("end", resolve),
        )
          .on("timeout", () => reject(new Error("no answer")))
          .on("error", reject);
      });
    });
    agent.destroy();
    return times;
  }

  /** Another name again and again, until the other machine knows it. */
  async #rename(until: number): Promise<number[]> {
    const { nodes } = await this.#daemon.admin.call<{ nodes: { id: string; name: string }[] }>("ListNodes");
    const nodeId = nodes.find(({ name }) => name === "renamed")?.id;
    let count = 0;
    return this.#timed(until, renameEveryMs, async () => {
      const newName = `n${count++}-${Math.round(until)}`;
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      this.#said.set(newName, resolve);
      const late = setTimeout(() => reject(new Error("not told")), patienceMs);
      await this.#daemon.admin.call("RenameNode", { nodeId, newName });
      await promise;
      clearTimeout(late);
      this.#said.delete(newName);
    });
  }

  async #dial(until: number): Promise<number[]> {
    return this.#timed(until, dialEveryMs, async () => {
      const client = new ControlClient({ server: this.#daemon.server });
      try {
        await client.request({ method: "GET", path: "/machine/whoami", signal: AbortSignal.timeout(patienceMs) });
      } finally {
        await client.drop();
      }
    });
  }

  async #timed(until: number, everyMs: number, work: () => Promise<void>): Promise<number[]> {
    const times: number[] = [];
    while (performance.now() < until) {
      const begun = performance.now();
      try {
        await work();
        times.push(performance.now() - begun);
      } catch {
        this.#lost++;
      }
      await delay(everyMs);
    }
    return times;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#watcher.drop(), this.#renamed.drop()]);
  }
}
