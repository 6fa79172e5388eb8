import type { DNSConfig } from "@headscale/tailcfg";
import type { TailnetId, World } from "@headscale/tailnet";

/** The DNS settings of each tailnet, made once until something in them changes. */
export class DnsConfigs {
  readonly #make: (world: World, tailnet: TailnetId) => DNSConfig;
  readonly #made = new Map<TailnetId, DNSConfig>();

  constructor(make: (world: World, tailnet: TailnetId) => DNSConfig) {
    this.#make = make;
  }

  of(world: World, tailnet: TailnetId): DNSConfig {
    const dns = this.#made.get(tailnet) ?? this.#make(world, tailnet);
    this.#made.set(tailnet, dns);
    return dns;
  }

  forget(tailnet: TailnetId): void {
    this.#made.delete(tailnet);
  }

  forgetAll(): void {
    this.#made.clear();
  }
}
