import { readBoundedFile } from "#config/bounded-file.ts";
import type { Config } from "#config/config.ts";
import type { Remark } from "#config/config-error.ts";
import { parseDerpMap } from "#config/derp-map.ts";
import { openCertificateFiles } from "#edge/certificate-files.ts";
import { ExtraRecords } from "#live/extra-records.ts";
import { PolicyKeeper } from "#live/policy-keeper.ts";
import { checkKeyFile } from "./key-file.ts";

/**
 * Reads everything that the configuration names, as the start of the server would, and changes nothing: every fault at once,
 * and what clients will not like. Ports and the database are left alone: a running server has them.
 */
export async function testConfig(
  config: Config,
): Promise<{ readonly mistakes: Remark[]; readonly warnings: Remark[] }> {
  const mistakes: Remark[] = [];
  const warnings: Remark[] = [];
  const attempt = async (key: string, work: () => Promise<unknown>) => {
    try {
      await work();
    } catch (error) {
      mistakes.push({ key, says: sentence(error, key) });
    }
  };
  const { tls, limits, derp, dns, policy, server } = config;
  await attempt("noise.private_key_path", () => checkKeyFile(server.noiseKeyPath));
  const relay = derp.server;
  if (relay) await attempt("derp.server.private_key_path", () => checkKeyFile(relay.privateKeyPath));
  if (tls.kind === "files") {
    const before = mistakes.length;
    await attempt("tls_cert_path", () => readable(tls.certPath, limits.file_size));
    await attempt("tls_key_path", () => readable(tls.keyPath, limits.file_size));
    const onDoubt = (says: string) => warnings.push({ key: "tls_cert_path", says });
    const options = { ...tls, maxBytes: limits.file_size, host: server.host, onDoubt };
    if (mistakes.length === before)
      await attempt("tls_cert_path", async () => (await openCertificateFiles(options))[Symbol.dispose]());
  }
  for (const path of derp.paths)
    await attempt("derp.paths", async () => parseDerpMap(await readBoundedFile(path, limits.file_size), path));
  const quiet = { onLoaded: () => undefined, onRefused: () => undefined };
  await attempt("dns.extra_records_path", async () => {
    const bounds = { fileBytes: limits.file_size, maxRecords: limits.extra_records };
    (await ExtraRecords.open({ records: [], path: dns.extraRecordsPath, ...bounds, ...quiet }))[Symbol.dispose]();
  });
  await attempt("policy.path", async () => {
    const bounds = { fileBytes: limits.file_size, maxBytes: limits.api_body };
    (await PolicyKeeper.open({ source: policy, ...bounds, ...quiet }))[Symbol.dispose]();
  });
  return { mistakes, warnings };
}

async function readable(path: string, maxBytes: number): Promise<void> {
  await readBoundedFile(path, maxBytes).catch((cause: unknown) => {
    throw new Error(`cannot read ${path}`, { cause });
  });
}

/** With its cause, and without the name of the key in front. */
function sentence(error: unknown, key: string): string {
  const message = error instanceof Error ? error.message : String(error);
  const cause = error instanceof Error && error.cause instanceof Error ? ` (${error.cause.message})` : "";
  return `${message}${cause}`.replace(`${key}: `, "");
}
