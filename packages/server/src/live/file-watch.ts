import { type FSWatcher, watch } from "node:fs";
import { basename, dirname } from "node:path";

/** Editors and configuration managers write a file in several steps; they count as one. */
const settleMs = 100;

/**
 * Calls `changed` after the file was written, replaced or created. Watches its folder, so that replacing the file does
 * not lose it.
 */
export function watchFileByName(path: string, changed: () => void, onError: (error: unknown) => void): Disposable {
  let timer: NodeJS.Timeout | undefined;
  let watcher: FSWatcher | undefined;
  try {
    watcher = watch(dirname(path), (_event, name) => {
      // Kubernetes swaps a link named ..data beside the file.
      if (name !== null && name !== basename(path) && !name.startsWith("..")) return;
      clearTimeout(timer);
      timer = setTimeout(changed, settleMs);
    });
    watcher.on("error", onError);
  } catch (error) {
    onError(error);
  }
  return {
    [Symbol.dispose]: () => {
      clearTimeout(timer);
      watcher?.close();
    },
  };
}
