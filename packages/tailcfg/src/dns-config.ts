/** `Addr`: IP, `IP:port`, `https://…` of a known DoH provider. */
export interface Resolver {
  readonly Addr: string;
  readonly BootstrapResolution?: readonly string[];
  readonly UseWithExitNode?: boolean;
}

/** An extra A or AAAA record; empty `Type` means "by value". */
export interface DNSRecord {
  readonly Name: string;
  readonly Type?: string;
  readonly Value: string;
}

/** Source: tailscale tailcfg/tailcfg.go@de9ec7ee DNSConfig. `Routes` values must be `[]`, never null, for "answer locally". */
export interface DNSConfig {
  readonly Resolvers?: readonly Resolver[];
  readonly Routes?: Readonly<Record<string, readonly Resolver[]>>;
  readonly FallbackResolvers?: readonly Resolver[];
  readonly Domains?: readonly string[];
  readonly Proxied?: boolean;
  readonly CertDomains?: readonly string[];
  readonly ExtraRecords?: readonly DNSRecord[];
  readonly ExitNodeFilteredSet?: readonly string[];
}
