import type { CertificateCache } from "@headscale/acme";
import type { Store } from "@headscale/store";

/** Account, certificates and challenges in the database, so that all daemons on it share them. */
export function blobCache(
  store: Pick<Store, "readBlob" | "writeBlob" | "deleteBlob" | "agreeOnBlob" | "exchangeBlob">,
): CertificateCache {
  const nameOf = (key: string) => `acme/${key}`;
  const bytesOf = (text: string) => new TextEncoder().encode(text);
  return {
    async get(key) {
      const bytes = await store.readBlob(nameOf(key));
      return bytes && new TextDecoder().decode(bytes);
    },
    put: (key, value) => store.writeBlob(nameOf(key), bytesOf(value)),
    delete: (key) => store.deleteBlob(nameOf(key)),
    async exchange(key, expected, value) {
      const bytes =
        expected === undefined
          ? await store.agreeOnBlob(nameOf(key), bytesOf(value))
          : await store.exchangeBlob(nameOf(key), bytesOf(expected), bytesOf(value));
      return bytes && new TextDecoder().decode(bytes);
    },
  };
}
