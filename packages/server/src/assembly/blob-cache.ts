import type { CertificateCache } from "@headscale/acme";
import type { Store } from "@headscale/store";

/** Account, certificates and challenges in the database, so that all daemons on it share them. */
export function blobCache(store: Pick<Store, "readBlob" | "writeBlob" | "deleteBlob">): CertificateCache {
  const nameOf = (key: string) => `acme/${key}`;
  return {
    async get(key) {
      const bytes = await store.readBlob(nameOf(key));
      return bytes && new TextDecoder().decode(bytes);
    },
    put: (key, value) => store.writeBlob(nameOf(key), new TextEncoder().encode(value)),
    delete: (key) => store.deleteBlob(nameOf(key)),
  };
}
