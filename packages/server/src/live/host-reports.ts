import type { Hostinfo } from "@headscale/tailcfg";
import type { Command, Node, NodeId, World } from "@headscale/tailnet";
import { concernsNode, reportHostinfo } from "@headscale/tailnet/commands";

export interface HostReportsOptions {
  world(): World;
  execute(command: Command<Node>, actor: string): Promise<Node>;
  onError(what: string, error: unknown): void;
}

/**
 * Writes down what is durable of the reports of nodes. One that cannot be written must not keep a node from its map: the
 * failure is told, and the next report is written whatever it says.
 */
export class HostReports {
  readonly #options: HostReportsOptions;
  readonly #unwritten = new Set<NodeId>();

  constructor(options: HostReportsOptions) {
    this.#options = options;
  }

  async write(id: NodeId, before: Hostinfo, after: Hostinfo): Promise<void> {
    const { world, execute, onError } = this.#options;
    const node = world().nodes.get(id);
    if (!node || !(this.#unwritten.has(id) || (before !== after && concernsNode(node, before, after)))) return;
    this.#unwritten.add(id);
    try {
      await execute(reportHostinfo(id, after), `node:${id}`);
      this.#unwritten.delete(id);
    } catch (error) {
      if (world().nodes.has(id)) onError("writing what a node reported", error);
      else this.forget(id);
    }
  }

  forget(id: NodeId): void {
    this.#unwritten.delete(id);
  }
}
