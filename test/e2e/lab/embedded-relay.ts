import { wire } from "./cabling.ts";

const serverNumber = 1;

/** Settings of a server whose own relay, reached over both families, is the only one. */
export const embeddedRelay = {
  derp: {
    server: {
      enabled: true,
      region_id: 999,
      region_code: "own",
      region_name: "Own relay",
      stun_listen_addr: ["0.0.0.0:3478", "[::]:3478"],
      ipv4: wire.v4(serverNumber),
      ipv6: wire.v6(serverNumber),
      verify_clients: true,
    },
    urls: [],
    paths: [],
  },
} as const;

/** The lab's clients speak plain HTTP to relays; with this they insist on TLS, as they come. */
export const relayOverTls = { TS_DEBUG_USE_DERP_HTTP: "" } as const;
