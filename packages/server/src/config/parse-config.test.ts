import { describe, expect, test } from "vitest";
import { ConfigError } from "./config-error.ts";
import { parseText } from "./document.ts";
import { type ParsedConfig, parseConfig } from "./parse-config.ts";
import type { Machine } from "./surroundings.ts";

const machine: Machine = {
  workingFolder: "/srv/hs",
  env: {},
  localAddresses: [
    { interface: "lo", address: "127.0.0.1", isLoopback: true },
    { interface: "docker0", address: "172.17.0.1", isLoopback: false },
    { interface: "eth0", address: "192.168.7.20", isLoopback: false },
  ],
  readText: () => undefined,
};

function read(yaml: string, with_: Partial<Machine> & { file?: string } = {}): ParsedConfig {
  const { file = "/srv/hs/config.yaml", ...changes } = with_;
  return parseConfig(parseText(yaml, file), file, { ...machine, ...changes });
}

function mistakes(yaml: string, changes: Partial<Machine> = {}): readonly string[] {
  try {
    read(yaml, changes);
  } catch (error) {
    if (error instanceof ConfigError) return error.mistakes.map(({ key, says }) => `${key}: ${says}`);
    throw error;
  }
  return [];
}

describe("parseConfig without a file", () => {
  const { config, warnings } = parseConfig({}, undefined, machine);

  test("starts with sqlite, the keys and the socket in ./data", () => {
    expect(config.server.dataDir).toBe("/srv/hs/data");
    expect(config.database).toMatchObject({ kind: "sqlite", path: "/srv/hs/data/db.sqlite", writeAheadLog: true });
    expect(config.server.noiseKeyPath).toBe("/srv/hs/data/noise_private.key");
    expect(config.derp.server).toMatchObject({ privateKeyPath: "/srv/hs/data/derp_server_private.key", regionId: 999 });
    expect(config.listen.unixSocket).toBe("/srv/hs/data/headscale.sock");
  });

  test("listens on port 8080 of both families, without the sockets getting in each other's way", () => {
    expect(config.listen.addresses).toEqual([
      { host: "0.0.0.0", port: 8080, ipv6Only: false },
      { host: "::", port: 8080, ipv6Only: true },
    ]);
    expect(config.listen.isDefault).toBe(true);
  });

  test("gives clients a private address of this machine, not a bridge and not a name", () => {
    expect(config.server).toMatchObject({ url: "http://192.168.7.20:8080", urlIsDerived: true, host: "192.168.7.20" });
  });

  test.for([
    {
      says: "its own network's on a machine of IPv6 alone",
      addresses: ["fe80::1", "fd77::1"],
      url: "http://[fd77::1]:8080",
    },
    {
      says: "none that only this machine knows beside public IPv4",
      addresses: ["198.51.100.7", "fd77::1"],
      url: "http://127.0.0.1:8080",
    },
    { says: "none of the public ones of IPv6", addresses: ["2001:db8::1"], url: "http://127.0.0.1:8080" },
  ])("gives clients the address $url: $says", ({ addresses, url }) => {
    const localAddresses = addresses.map((address) => ({ interface: "eth0", address, isLoopback: false }));
    expect(parseConfig({}, undefined, { ...machine, localAddresses }).config.server.url).toBe(url);
  });

  test("has MagicDNS without taking over the nodes' resolvers", () => {
    expect(config.dns).toMatchObject({ magicDns: true, baseDomain: "tailnet.internal", overrideLocalDns: false });
  });

  test("has headscale's other defaults", () => {
    expect(config.addresses).toEqual({ v4: "100.64.0.0/10", v6: "fd7a:115c:a1e0::/48", allocation: "sequential" });
    expect(config.node).toEqual({
      expiryMs: undefined,
      ephemeralTimeoutMs: 120_000,
      probe: { intervalMs: 10_000, timeoutMs: 5000 },
      revokedKeyRetentionMs: 604_800_000,
    });
    expect(config.policy).toEqual({ mode: "database" });
    expect(config.features).toEqual({ logtail: false, taildrop: true, autoUpdate: false });
    expect(config.oidc).toBeUndefined();
    expect(config.tls).toEqual({ kind: "off" });
  });

  test("says nothing about it", () => expect(warnings).toEqual([]));

  test("cannot be changed afterwards, at any depth", () => {
    expect(Object.isFrozen(config)).toBe(true);
    expect(() => Object.assign(config.dns.nameservers, { global: [] })).toThrow(TypeError);
  });
});

describe("server_url", () => {
  test.for([
    {
      says: "names 127.0.0.1 when the machine has no private address",
      yaml: "",
      localAddresses: [],
      url: "http://127.0.0.1:8080",
    },
    { says: "names the address that is listened on", yaml: "listen_addr: 10.1.2.3:80", url: "http://10.1.2.3" },
    { says: "takes IPv6 addresses in brackets", yaml: 'listen_addr: "[fd00::5]:9000"', url: "http://[fd00::5]:9000" },
    {
      says: "is https with the first certificate name",
      yaml: "tls_letsencrypt_hostname: hs.example.com\nlisten_addr: :443",
      url: "https://hs.example.com",
    },
    { says: "loses a final slash", yaml: "server_url: https://hs.example.com/", url: "https://hs.example.com" },
    {
      says: "falls back to a bridge when there is nothing else",
      yaml: "",
      localAddresses: machine.localAddresses.slice(0, 2),
      url: "http://172.17.0.1:8080",
    },
  ])("$says", ({ yaml, url, localAddresses = machine.localAddresses }) => {
    expect(read(yaml, { localAddresses }).config.server.url).toBe(url);
  });

  test.for([
    { url: "http://hs.example.com:8080", trapped: true },
    { url: "http://203.0.113.7:8080", trapped: true },
    { url: "http://100.64.0.1:8080", trapped: true },
    { url: "http://hs.example.com", trapped: true },
    { url: "http://192.168.1.4:8080", trapped: false },
    { url: "http://127.0.0.1:8080", trapped: false },
    { url: "http://localhost:8080", trapped: false },
    { url: "http://[fd12::1]:8080", trapped: false },
    { url: "https://hs.example.com", trapped: false },
  ])("$url leaves clients outside after a restart: $trapped", ({ url, trapped }) => {
    const said = read(`server_url: ${url}`).warnings.filter(({ key }) => key === "server_url");
    expect(said.some(({ says }) => says.includes("do not come back"))).toBe(trapped);
  });

  test.for([
    { yaml: "server_url: https://[2001:db8::1]", dialled: false },
    { yaml: "server_url: https://[2001:db8::1]:8443", dialled: true },
    { yaml: "server_url: https://192.0.2.1", dialled: true },
    { yaml: "server_url: https://hs.example.com", dialled: true },
    { yaml: "server_url: https://[2001:db8::1]\nderp: {urls: [https://a.b/map]}", dialled: true },
  ])("with $yaml clients can dial the built-in relay, or there is none: $dialled", ({ yaml, dialled }) => {
    const said = read(yaml).warnings.filter(({ key }) => key === "server_url");
    expect(said.some(({ says }) => says.includes("cannot dial the built-in relay"))).toBe(!dialled);
  });

  test("has to be written when the certificate is a file", () => {
    expect(mistakes("tls_cert_path: a\ntls_key_path: b")).toEqual([expect.stringMatching(/^server_url: is missing/)]);
  });
});

describe("mistakes", () => {
  test("are all told at once, each with its key", () => {
    const error = (() => {
      try {
        read(
          "server_url: hs.example.com\nnode: {expiry: soon}\nprefixes: {allocation: best}\ntrusted_proxies: [10.0.0.0/8, ::/0]",
        );
      } catch (caught) {
        return caught as ConfigError;
      }
    })();
    expect(error?.code).toBe("invalid");
    expect(error?.message.split("\n")).toEqual([
      expect.stringMatching(/^Fatal config error: server_url: must be https:\/\/NAME .* not "hs.example.com"$/),
      expect.stringMatching(/^Fatal config error: trusted_proxies\[1\]: .* narrower than \/0/),
      expect.stringMatching(/^Fatal config error: prefixes.allocation: must be one of sequential, random, not "best"$/),
      expect.stringMatching(/^Fatal config error: node.expiry: must be a length of time/),
    ]);
  });

  test.for([
    {
      says: "a base domain that holds the server",
      yaml: "server_url: https://hs.example.com\ndns: {base_domain: example.com}",
      key: "dns.base_domain",
    },
    {
      says: "a base domain that is the server",
      yaml: "server_url: https://hs.example.com\ndns: {base_domain: hs.example.com}",
      key: "dns.base_domain",
    },
    { says: "MagicDNS without a base domain", yaml: 'dns: {base_domain: ""}', key: "dns.base_domain" },
    { says: "overriding DNS with nothing", yaml: "dns: {override_local_dns: true}", key: "dns.nameservers.global" },
    {
      says: "extra records from two places",
      yaml: "dns: {extra_records: [{name: a.b, type: A, value: 100.64.0.1}], extra_records_path: x}",
      key: "dns.extra_records_path",
    },
    {
      says: "an extra record without a value",
      yaml: "dns: {extra_records: [{name: a.b, type: A}]}",
      key: "dns.extra_records[0]",
    },
    {
      says: "two kinds of certificate",
      yaml: "server_url: https://a.b\ntls_letsencrypt_hostname: a.b\ntls_cert_path: x\ntls_key_path: y",
      key: "tls_letsencrypt_hostname",
    },
    { says: "a certificate without its key", yaml: "tls_cert_path: x", key: "tls_key_path" },
    {
      says: "half an external account",
      yaml: "tls_letsencrypt_hostname: a.b\nacme_eab_key_id: k",
      key: "acme_eab_hmac_key",
    },
    {
      says: "an unknown challenge",
      yaml: "tls_letsencrypt_challenge_type: DNS-01",
      key: "tls_letsencrypt_challenge_type",
    },
    {
      says: "ephemeral nodes that live too short",
      yaml: "node: {ephemeral: {inactivity_timeout: 65s}}",
      key: "node.ephemeral.inactivity_timeout",
    },
    {
      says: "probing all the time",
      yaml: "node: {routes: {ha: {probe_interval: 1500ms, probe_timeout: 1s}}}",
      key: "node.routes.ha.probe_interval",
    },
    {
      says: "a probe that outlasts its interval",
      yaml: "node: {routes: {ha: {probe_timeout: 10s}}}",
      key: "node.routes.ha.probe_timeout",
    },
    { says: "no addresses at all", yaml: 'prefixes: {v4: "", v6: ""}', key: "prefixes" },
    { says: "an IPv6 range as v4", yaml: "prefixes: {v4: fd00::/8}", key: "prefixes.v4" },
    { says: "no relay at all", yaml: "derp: {server: {enabled: false}}", key: "derp.server.enabled" },
    {
      says: "a relay that nothing describes",
      yaml: "derp: {server: {enabled: true, automatically_add_embedded_derp_region: false}}",
      key: "derp.paths",
    },
    {
      says: "postgres without a host",
      yaml: "database: {type: postgres, postgres: {name: a, user: b}}",
      key: "database.postgres.host",
    },
    { says: "an unknown database", yaml: "database: {type: mysql}", key: "database.type" },
    {
      says: "an issuer without a client",
      yaml: "oidc: {issuer: https://idp.example.com, client_secret: s}",
      key: "oidc.client_id",
    },
    {
      says: "an issuer without a secret",
      yaml: "oidc: {issuer: https://idp.example.com, client_id: c}",
      key: "oidc.client_secret",
    },
    {
      says: "a secret file that is not there",
      yaml: "oidc: {issuer: https://idp.example.com, client_id: c, client_secret_path: /none}",
      key: "oidc.client_secret_path",
    },
    { says: "a path in the server's URL", yaml: "server_url: https://example.com/headscale", key: "server_url" },
    { says: "a socket path the system cannot bind", yaml: `unix_socket: /${"x".repeat(120)}`, key: "unix_socket" },
    { says: "no limit", yaml: "limits: {handshake_timeout: 0}", key: "limits.handshake_timeout" },
    { says: "a section where a value belongs", yaml: "server_url: {a: b}", key: "server_url" },
    { says: "a bare number as a time", yaml: "cli: {timeout: 30}", key: "cli.timeout" },
    { says: "a time limit without an end", yaml: "limits: {request_timeout: 30d}", key: "limits.request_timeout" },
    { says: "a size without room for a head", yaml: "limits: {header_size: 12}", key: "limits.header_size" },
    { says: "a unit that is none", yaml: "limits: {machine_body: 1MeB}", key: "limits.machine_body" },
    { says: "a size as a time", yaml: "limits: {relay: {login_timeout: 4KiB}}", key: "limits.relay.login_timeout" },
    { says: "a count below nothing", yaml: "limits: {connections: -1}", key: "limits.connections" },
    {
      says: "the API's own address as a second one for gRPC",
      yaml: "listen_addr: 0.0.0.0:8080\ngrpc_listen_addr: 127.0.0.1:8080",
      key: "grpc_listen_addr",
    },
    {
      says: "metrics where clients connect",
      yaml: "listen_addr: 10.0.0.1:9090\nmetrics_listen_addr: :9090",
      key: "metrics_listen_addr",
    },
    {
      says: "challenges where clients connect",
      yaml: "listen_addr: :80\ntls_letsencrypt_hostname: hs.example.com",
      key: "tls_letsencrypt_listen",
    },
    {
      says: "a certificate from files and from Let's Encrypt",
      yaml: "tls_letsencrypt_hostname: hs.example.com\ntls_cert_path: /a\ntls_key_path: /b\nserver_url: https://hs.example.com",
      key: "tls_letsencrypt_hostname",
    },
    { says: "the same address twice", yaml: "listen_addr: [1.2.3.4:80, 1.2.3.4:80]", key: "listen_addr" },
  ])("refuses $says", ({ yaml, key }) => {
    expect(mistakes(yaml).map((line) => line.slice(0, line.indexOf(": ")))).toEqual([key]);
  });

  test.for([
    "database: {postgres: {pass: [hunter2hunter2]}}",
    "oidc: {client_secret: {a: hunter2hunter2}}",
    "server_url: https://admin:hunter2hunter2@hs.example.com",
    "acme_eab_hmac_key: [hunter2hunter2]",
    "server_url: hskey-api-aaaaaaaaaaaa-hunter2hunter2hunter2hunter2",
  ])("never repeat a secret: %s", (yaml) => {
    const told = mistakes(yaml).join("\n");
    expect(told).not.toBe("");
    expect(told).not.toContain("hunter2");
  });

  test.for([
    "a: [hunter2",
    'pass: "hunter2',
    "a: b: hunter2",
    "- hunter2",
    "hunter2",
    "a: *hunter2",
    "\tpass: hunter2",
    "pass: hunter2\npass: hunter2",
  ])("in the syntax name the line and never its text: %s", (yaml) => {
    expect(() => read(yaml)).toThrow(ConfigError);
    expect(() => read(yaml)).not.toThrow(/hunter2/);
  });

  test("stop a document that unfolds without end", () => {
    const bomb = [
      "a: &a [x, x]",
      ...Array.from({ length: 40 }, (_, i) => `b${i}: &b${i} [*${i ? `b${i - 1}` : "a"}, *${i ? `b${i - 1}` : "a"}]`),
    ];
    expect(() => read(bomb.join("\n"))).toThrow(/aliases/);
  });
});

describe("keys that mean nothing", () => {
  test.for([
    { yaml: "dns: {magic_dsn: true}", key: "dns.magic_dsn", says: "Did you mean dns.magic_dns?" },
    { yaml: "magic_dns: true", key: "magic_dns", says: "Did you mean dns.magic_dns?" },
    { yaml: "colour: blue", key: "colour", says: "Delete it" },
    { yaml: "dns: true", key: "dns", says: "is a section" },
  ])("$yaml earns a sentence", ({ yaml, key, says }) => {
    expect(read(yaml).warnings).toEqual([{ key, says: expect.stringContaining(says) }]);
  });

  test("empty sections earn none", () => expect(read("dns:\noidc:\ncolour: null").warnings).toEqual([]));

  test.for([
    "dns: {use_username_in_magic_dns: true}",
    "oidc: {strip_email_domain: true}",
    "oidc: {map_legacy_users: true}",
    "oidc: {expiry: 180d}",
    "oidc: {domain_map: {a: b}}",
    "randomize_client_port: true",
  ])("%s stops the start, because leaving it out would change something", (yaml) =>
    expect(mistakes(yaml)).toEqual([expect.stringContaining("is gone")]),
  );

  test("a switch that is gone may stay when it says no, as headscale's examples of those years did", () => {
    const { warnings, notes } = read("randomize_client_port: false\noidc: {strip_email_domain: false}");
    expect(warnings).toEqual([]);
    expect(notes.map(({ key }) => key)).toEqual(["oidc.strip_email_domain", "randomize_client_port"]);
  });

  test("knobs of headscale's inner life are accepted", () => {
    const { warnings, notes } = read(
      "database: {gorm: {prepare_stmt: true, slow_threshold: 1000}}\ntuning: {node_store_batch_size: 1}",
    );
    expect(warnings).toEqual([]);
    expect(notes.map(({ key }) => key)).toEqual([
      "database.gorm.prepare_stmt",
      "database.gorm.slow_threshold",
      "tuning.node_store_batch_size",
    ]);
  });
});

describe("values", () => {
  test("may be given with any letter case in the key", () => {
    expect(read("Server_URL: https://hs.example.com\nDNS: {Magic_DNS: no}").config).toMatchObject({
      server: { url: "https://hs.example.com" },
      dns: { magicDns: false },
    });
  });

  test.for(["0770", '"0770"', "770", "0o770"])("unix_socket_permission %s is octal", (written) => {
    expect(read(`unix_socket_permission: ${written}`).config.listen.unixSocketMode).toBe(0o770);
  });

  test("relative paths start at the folder of the file", () => {
    const { config } = read(
      "data_dir: state\ntls_cert_path: tls/a.pem\ntls_key_path: /keys/a.key\nserver_url: https://a.b\nderp: {paths: [derp.yaml]}",
      { file: "/opt/hs/config.yaml" },
    );
    expect(config.server.dataDir).toBe("/opt/hs/state");
    expect(config.tls).toEqual({ kind: "files", certPath: "/opt/hs/tls/a.pem", keyPath: "/keys/a.key" });
    expect(config.derp.paths).toEqual(["/opt/hs/derp.yaml"]);
  });

  test("a configuration in /etc/headscale keeps its data where packages do", () => {
    const { config } = read("", { file: "/etc/headscale/config.yaml" });
    expect(config.server.dataDir).toBe("/var/lib/headscale");
    expect(config.listen.unixSocket).toBe("/var/run/headscale/headscale.sock");
  });

  test("a socket in a deep folder is named from the working folder", () => {
    const workingFolder = `/${"deep/".repeat(30)}hs`;
    expect(parseConfig({}, undefined, { ...machine, workingFolder }).config.listen.unixSocket).toBe(
      "data/headscale.sock",
    );
  });

  test("several certificate names, a fallback authority and an external account", () => {
    const { config } = read(
      "tls_letsencrypt_hostname: [hs.example.com, 203.0.113.7]\nacme_fallback_url: https://other.example/dir\nacme_eab_key_id: kid\nacme_eab_hmac_key: mac",
    );
    expect(config.tls).toMatchObject({
      kind: "acme",
      names: ["hs.example.com", "203.0.113.7"],
      directories: ["https://acme-v02.api.letsencrypt.org/directory", "https://other.example/dir"],
      httpListen: { port: 80 },
      externalAccount: { keyId: "kid" },
    });
    expect(JSON.stringify(config)).not.toContain('mac"');
  });

  test("only one address family when only one range is written", () => {
    expect(read("prefixes: {v4: 100.64.8.0/24}").config.addresses).toMatchObject({
      v4: "100.64.8.0/24",
      v6: undefined,
    });
    expect(read("prefixes: {v4: 100.64.8.0/24}").warnings).toEqual([]);
  });

  test("ranges that clients do not expect earn a warning", () => {
    expect(read("prefixes: {v4: 10.0.0.0/8}").warnings).toEqual([
      { key: "prefixes.v4", says: expect.stringContaining("100.64.0.0/10") },
    ]);
  });

  test("other relays switch the built-in one off unless it is asked for", () => {
    expect(read("derp: {urls: [https://a.b/map]}").config.derp.server).toBeUndefined();
    expect(read("derp: {urls: [https://a.b/map], server: {enabled: true}}").config.derp.server?.regionId).toBe(999);
  });

  test("what no client can use is skipped with a warning", () => {
    const { config, warnings } = read(
      'dns: {nameservers: {global: [1.1.1.1, "1.1.1.1:53", https://dns.nextdns.io/a, nonsense]}}\nderp: {urls: [nonsense], server: {enabled: true}}',
    );
    expect(config.dns.nameservers.global).toEqual(["1.1.1.1", "1.1.1.1:53", "https://dns.nextdns.io/a"]);
    expect(config.dns.overrideLocalDns).toBe(true);
    expect(warnings.map(({ key }) => key)).toEqual(["derp.urls[0]", "dns.nameservers.global[3]"]);
  });

  test("a policy file switches policy.mode to file", () => {
    expect(read("policy: {path: acl.hujson}").config.policy).toEqual({ mode: "file", path: "/srv/hs/acl.hujson" });
    expect(read("policy: {mode: file}").config.policy).toEqual({ mode: "file", path: undefined });
  });

  test.for([
    { issuer: "https://idp.example.com", warns: false },
    { issuer: "http://127.0.0.1:5556/dex", warns: false },
    { issuer: "http://localhost:5556", warns: false },
    { issuer: "http://[::1]:5556", warns: false },
    { issuer: "http://10.0.0.7:5556", warns: true },
    { issuer: "http://127.0.0.1.evil.test", warns: true },
  ])("an identity provider at $issuer is warned of: $warns", ({ issuer, warns }) => {
    const { warnings } = read(`oidc: {issuer: "${issuer}", client_id: c, client_secret: s}`);
    expect(warnings.some(({ key }) => key === "oidc.issuer")).toBe(warns);
  });

  test("an OIDC secret comes from the file that the environment names, and is not printed", () => {
    const { config } = read("oidc: {issuer: https://idp.example.com, client_id: c, client_secret_path: $CREDS/oidc}", {
      env: { CREDS: "/run/creds" },
      readText: (path) => (path === "/run/creds/oidc" ? " s3cret\n" : undefined),
    });
    expect(config.oidc?.clientSecret.reveal()).toBe("s3cret");
    expect(JSON.stringify(config)).not.toContain("s3cret");
    expect(`${config.oidc?.clientSecret}`).toBe("[redacted]");
  });
});

describe("the environment", () => {
  const env = {
    HEADSCALE_DNS_BASE_DOMAIN: "nodes.example.net",
    HEADSCALE_DNS_NAMESERVERS_GLOBAL: "1.1.1.1  9.9.9.9",
    HEADSCALE_DNS_NAMESERVERS_SPLIT: '{"corp.example": ["10.0.0.53"]}',
    HEADSCALE_DNS_EXTRA_RECORDS: '[{"name": "a.b", "type": "A", "value": "100.64.0.9"}]',
    HEADSCALE_LISTEN_ADDR: "127.0.0.1:9999",
    HEADSCALE_LOG_LEVEL: "",
    HEADSCALE_CLI_API_KEY: "hskey-api-x",
  };

  test("overrides the file: scalars, lists by white space, maps as JSON", () => {
    const { config } = read("dns: {base_domain: file.example}\nlog: {level: warn}", { env });
    expect(config.dns).toMatchObject({
      baseDomain: "nodes.example.net",
      nameservers: { global: ["1.1.1.1", "9.9.9.9"], split: { "corp.example": ["10.0.0.53"] } },
      extraRecords: [{ Name: "a.b", Type: "A", Value: "100.64.0.9" }],
    });
    expect(config.server.url).toBe("http://127.0.0.1:9999");
    expect(config.log.level).toBe("warn");
    expect(config.cli.apiKey?.reveal()).toBe("hskey-api-x");
  });

  test("near misses are pointed out, foreign variables are not", () => {
    const { warnings } = read("", {
      env: { HEADSCALE_SERVER_ULR: "x", HEADSCALE_PORT_8080_TCP_ADDR: "10.0.0.1", HEADSCALE_CONFIG: "y" },
    });
    expect(warnings).toEqual([{ key: "HEADSCALE_SERVER_ULR", says: expect.stringContaining("HEADSCALE_SERVER_URL") }]);
  });

  test("a map that is no JSON is refused without being repeated", () => {
    expect(mistakes("", { env: { HEADSCALE_DNS_NAMESERVERS_SPLIT: "{hunter2" } })).toEqual([
      expect.not.stringContaining("hunter2"),
    ]);
  });
});

describe("a configuration of 2021", () => {
  const old = `{
\t"server_url": "https://hs.example.com",
\t"listen_addr": "0.0.0.0:8000",
\t"private_key_path": "private.key",
\t"derp_map_path": "derp.yaml",
\t"ephemeral_node_inactivity_timeout": "30m",
\t"db_type": "postgres", "db_host": "localhost", "db_port": 5433, "db_name": "headscale", "db_user": "foo", "db_pass": "bar",
\t"db_ssl": false,
\t"log_level": "debug",
\t"acl_policy_path": "policy.hujson",
\t"ip_prefixes": ["100.64.0.0/16", "fd7a:115c:a1e0:1::/64"],
\t"tls_letsencrypt_hostname": "",
\t"tls_cert_path": "",
\t"dns_config": { "nameservers": ["1.1.1.1"], "domains": ["corp.example"], "magic_dns": true, "base_domain": "nodes.example.net",
\t\t"restricted_nameservers": { "corp.example": ["10.0.0.53"] } }
}`;
  const { config, warnings } = read(old);

  test("still means the same", () => {
    expect(config.database).toMatchObject({
      kind: "postgres",
      host: "localhost",
      port: 5433,
      name: "headscale",
      user: "foo",
      ssl: "disable",
    });
    expect(config.database.kind === "postgres" && config.database.password?.reveal()).toBe("bar");
    expect(config.derp).toMatchObject({ server: undefined, paths: ["/srv/hs/derp.yaml"] });
    expect(config.node.ephemeralTimeoutMs).toBe(1_800_000);
    expect(config.policy).toEqual({ mode: "file", path: "/srv/hs/policy.hujson" });
    expect(config.addresses).toMatchObject({ v4: "100.64.0.0/16", v6: "fd7a:115c:a1e0:1::/64" });
    expect(config.log.level).toBe("debug");
    expect(config.dns).toMatchObject({
      baseDomain: "nodes.example.net",
      searchDomains: ["corp.example"],
      overrideLocalDns: true,
    });
    expect(config.dns.nameservers).toEqual({ global: ["1.1.1.1"], split: { "corp.example": ["10.0.0.53"] } });
  });

  test("is told today's name of each of its keys", () => {
    const told = Object.fromEntries(warnings.map(({ key, says }) => [key, says]));
    const today = {
      private_key_path: "noise.private_key_path",
      derp_map_path: "derp.paths",
      ephemeral_node_inactivity_timeout: "node.ephemeral.inactivity_timeout",
      db_type: "database.type",
      db_host: "database.postgres.host",
      db_pass: "database.postgres.pass",
      log_level: "log.level",
      acl_policy_path: "policy.path",
      ip_prefixes: "prefixes.v4",
      "dns_config.nameservers": "dns.nameservers.global",
      "dns_config.domains": "dns.search_domains",
      "dns_config.restricted_nameservers": "dns.nameservers.split",
    };
    for (const [key, name] of Object.entries(today)) expect(told[key]).toContain(name);
    expect(Object.values(told).join()).not.toContain("bar");
  });

  test("makes a new key, because the old one is of another protocol", () => {
    expect(config.server.noiseKeyPath).toBe("/srv/hs/data/noise_private.key");
  });

  test("keeps a key that is one of today's", () => {
    const key = `privkey:${"ab".repeat(32)}\n`;
    const { config: kept } = read("private_key_path: private.key", {
      readText: (path) => (path === "/srv/hs/private.key" ? key : undefined),
    });
    expect(kept.server.noiseKeyPath).toBe("/srv/hs/private.key");
  });

  test("today's name wins over the old one", () => {
    const { config: both, warnings: said } = read("log_level: debug\nlog: {level: error}");
    expect(both.log.level).toBe("error");
    expect(said).toEqual([{ key: "log_level", says: expect.stringContaining("wins") }]);
  });

  test("sqlite, one IPv4 range, and a path beside the file", () => {
    const { config: lite } = read("db_type: sqlite3\ndb_path: db.sqlite\nip_prefix: 100.64.0.0/10");
    expect(lite.database).toMatchObject({ kind: "sqlite", path: "/srv/hs/db.sqlite" });
    expect(lite.addresses).toMatchObject({ v4: "100.64.0.0/10", v6: undefined });
  });
});
